"""Arms as things that can be asked: a model of ours, an HTTP scorer, a Python callable, or a file of scores.

Knows how each is asked for scores of logged rows; what goes over HTTP is `steps.online.asking`'s. Which arm a unit is in is `core.online.assignment`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.answering import scores_of
from fieldguide.core.documents.plan import ArmSection
from fieldguide.core.errors import DataError, listed
from fieldguide.core.files.source import open_source
from fieldguide.core.model import Model
from fieldguide.parts import find
from fieldguide.steps.online.asking import named, over_http

Scorer = Callable[[pl.DataFrame], np.ndarray]
"""Rows with their id and cells -> one score each, NaN where there is none."""
AT_ONCE = 500
"""Rows in one request to an HTTP scorer."""
PATIENCE = 30.0
"""Seconds after which an HTTP scorer counts as gone."""


def scorer(arm: ArmSection) -> Scorer | None:
    """Return the function that asks an arm, or None where it is known only by its log.

    Raises:
        ConfigError: the callable cannot be found.
        ModelError: the model folder is damaged.
        DataError: the file of scores lacks a column.
    """
    if arm.model is not None:
        return of_model(Model.load(arm.model, find))
    if arm.url is not None:
        return _of_url(arm.url)
    if arm.python is not None:
        return of_callable(named(arm.python), arm.python)
    return None if arm.scores is None else _of_file(arm.scores)


def of_model(model: Model) -> Scorer:
    """Return a scorer that asks a model as the server does, from the same cells."""

    def ask(rows: pl.DataFrame) -> np.ndarray:
        columns = [column.name for column in model.columns if column.name in rows.columns]
        predictions = model.predict_rows(rows.select(columns).to_dicts())[0]
        return scores_of(model, predictions[0], model.decide(predictions)[0])

    return ask


def of_callable(ask: Callable[[list[dict[str, Any]]], Any], name: str = "the callable") -> Scorer:
    """Return a scorer of a Python callable that takes rows as mappings and gives one score each."""

    def asked(rows: pl.DataFrame) -> np.ndarray:
        found = np.asarray(ask(rows.drop("id", strict=False).to_dicts()), dtype=float).ravel()
        if len(found) != rows.height:
            raise DataError(
                f"{name} gave {len(found):,} scores",
                rule="one score per row",
                found=f"{rows.height:,} rows were asked",
                do="let the callable return one number for every row it is given",
            )
        return found

    return asked


def _of_url(url: str) -> Scorer:
    post = over_http(url, PATIENCE)

    def ask(rows: pl.DataFrame) -> np.ndarray:
        cells = rows.drop("id", strict=False)
        found: list[float] = []
        for i in range(0, cells.height, AT_ONCE):
            found += post(cells.slice(i, AT_ONCE).to_dicts())
        return np.array(found, dtype=float)

    return ask


def _of_file(path: Path) -> Scorer:
    frame = open_source(path).collect()
    if not {"id", "score"} <= set(frame.columns):
        raise DataError(
            f"{path.name} is no file of scores", rule="it has the columns id and score", found=f"columns are {listed(frame.columns)}",
            do="write two columns, id and score, a row for each request"
        )  # fmt: skip
    known = frame.select(pl.col("id").cast(pl.String), pl.col("score").cast(pl.Float64, strict=False)).unique("id")

    def ask(rows: pl.DataFrame) -> np.ndarray:
        found = rows.select(pl.col("id").cast(pl.String)).join(known, on="id", how="left", maintain_order="left")
        return found["score"].fill_null(np.nan).to_numpy()

    return ask
