"""The log as frames for a file, part by part."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fieldguide.core.online.log import PREDICTIONS, LogStore, Query, cell_schema, served


def exported(store: LogStore, query: Query, model: str | None = None, *, nested: bool = True) -> Iterator[pl.DataFrame]:
    """Yield answered rows; with a model, its features beside them as `feature.<name>`.

    Args:
        model: hash of one model; None: all models, without features, which differ from model to model.
        nested: whether the file can hold lists; else `outputs` and windows of series are JSON text.

    Raises:
        DataError: the log has never seen the model.
    """
    schema = dict(PREDICTIONS)
    if model is not None:
        schema |= {f"feature.{name}": dtype for name, dtype in cell_schema(served(store, model).columns).items()}
    some = False
    for frame in _frames(store, query, model):
        some = True
        yield frame if nested else _flat(frame)
    if not some:
        yield pl.DataFrame(schema=schema) if nested else _flat(pl.DataFrame(schema=schema))


def _frames(store: LogStore, query: Query, model: str | None) -> Iterator[pl.DataFrame]:
    if model is None:
        yield from store.scan(query)
        return
    for part in store.scan_cells(model, query):
        yield part.records.hstack(part.cells.rename(lambda name: f"feature.{name}").get_columns())


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    return frame.with_columns(
        pl.Series(name, [None if row is None else str(row) for row in frame[name].to_list()], dtype=pl.String) for name in nested
    )  # fmt: skip
