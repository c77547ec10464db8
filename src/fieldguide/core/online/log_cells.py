"""How the cells of answered rows lie in a log: as one JSON text per row, or as one Arrow blob per batch.

Knows the two codings and that both give back every bit; which of them is used, and where it is kept, is decided elsewhere.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from fieldguide.core.online.log import PREDICTIONS, RULED, SERIES, Batch, Logged, cell_schema
from fieldguide.core.table import Column


def blob_of(unit: pl.Series, answers: pl.DataFrame, typed: pl.DataFrame) -> bytes:
    """Return the rows of a `Batch` as one Arrow blob.

    Args:
        unit: (rows,) whom each row is about, or nulls.
        answers: (rows,) prediction, score and outputs, and what rules decided, series and origin where there are any, as in `PREDICTIONS`.
        typed: (rows,) the cells as the model saw them, in the order of the contract.
    """
    there = [name for name in ("prediction", "score", "outputs", *RULED, *SERIES) if name in answers.columns]
    frame = pl.DataFrame([unit.cast(pl.String).alias("unit"), *answers.select(there)])
    renamed = typed.rename({name: f"cell_{i}" for i, name in enumerate(typed.columns)})
    buffer = io.BytesIO()
    frame.hstack(renamed.get_columns()).write_ipc(buffer, compression="lz4")
    return buffer.getvalue()


def opened_blob(batch: Batch, columns: Sequence[Column] = ()) -> Logged:
    """Return the rows of a `Batch`; the cells where `columns` are given."""
    frame = pl.read_ipc(io.BytesIO(batch.rows)).with_columns(pl.col("score").fill_nan(None))
    lacks = [name for name in (*RULED, *SERIES) if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, dtype=PREDICTIONS[name]).alias(name) for name in lacks)
    one = {
        "request": batch.request, "time": batch.time, "arm": batch.arm, "model": batch.model, "contract": batch.contract,
        "experiment": batch.experiment, "propensity": batch.propensity, "seconds": batch.seconds,
    }  # fmt: skip
    records = frame.with_columns(
        pl.format("{}-{}", pl.lit(batch.request), pl.int_range(pl.len())).alias("id"),
        *(pl.lit(value, dtype=PREDICTIONS[name]).alias(name) for name, value in one.items()),
    ).select([pl.col(name).cast(dtype) for name, dtype in PREDICTIONS.items()])
    schema = cell_schema(columns)
    values = frame.select(
        [pl.col(f"cell_{i}").cast(dtype).alias(name) for i, (name, dtype) in enumerate(schema.items())]
    )
    return Logged(records, values)


@dataclass(frozen=True)
class Text:
    """Cells as JSON text and back: how a store that knows no columns keeps a row.

    Examples:
        >>> text = Text((Column("age", "number"), Column("seen", "datetime")))
        >>> text.frame(['[39.5, "2024-05-01T00:00:00"]']).row(0)
        (39.5, datetime.datetime(2024, 5, 1, 0, 0))
    """

    columns: tuple[Column, ...] = field(default=())

    @staticmethod
    def of(cells: Sequence[Any]) -> str:
        """Return a row's cells as JSON; numbers keep every bit."""
        return _ENCODE(cells)

    def frame(self, texts: Sequence[str]) -> pl.DataFrame:
        """Return rows of cells as a typed frame."""
        rows = [json.loads(text) for text in texts]
        data = {}
        for i, (name, dtype) in enumerate(cell_schema(self.columns).items()):
            values = [row[i] for row in rows]
            if dtype == pl.Datetime("us"):
                values = [None if value is None else datetime.fromisoformat(value) for value in values]
            data[name] = pl.Series(name, values, dtype=dtype)
        return pl.DataFrame(data)


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    return str(value)


_ENCODE = json.JSONEncoder(default=_plain, separators=(",", ":"), check_circular=False).encode
