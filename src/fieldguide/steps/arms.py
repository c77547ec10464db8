"""Arms as things that can be asked: a model of ours, an HTTP scorer, a Python callable, or a file of scores.

Knows how each is asked for scores of logged rows. Which arm a unit is in is `core.assignment`'s.
"""

from __future__ import annotations

import importlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.answering import scores_of
from fieldguide.core.errors import ConfigError, DataError, ModelError, listed
from fieldguide.core.model import Model
from fieldguide.core.plan import ArmSection
from fieldguide.core.source import open_source
from fieldguide.parts import find

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
        return of_callable(_imported(arm.python), arm.python)
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
                f"{name} gave {len(found):,} scores", rule="one score per row", found=f"{rows.height:,} rows were asked"
            )
        return found

    return asked


def _imported(name: str) -> Callable[[list[dict[str, Any]]], Any]:
    module, _, member = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), member)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the callable {name} cannot be found", rule="python names package.module:callable", found=str(error),
            do="check the name, and that the package is installed here",
        ) from None  # fmt: skip
    if not callable(found):
        raise ConfigError(f"{name} is no callable", found=type(found).__name__)
    return found


def _of_url(url: str) -> Scorer:
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"{url} is no HTTP scorer", rule="an url begins with http:// or https://")

    def ask(rows: pl.DataFrame) -> np.ndarray:
        cells = rows.drop("id", strict=False)
        found = [_posted(url, cells.slice(i, AT_ONCE)) for i in range(0, cells.height, AT_ONCE)]
        return np.concatenate(found) if found else np.empty(0)

    return ask


def _posted(url: str, rows: pl.DataFrame) -> np.ndarray:
    body = json.dumps({"rows": rows.to_dicts()}, default=str).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            found = json.load(answer)
            given = found["scores"] if "scores" in found else found["predictions"]
    except (urllib.error.URLError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{url} gave no answer that can be read",
            rule='an HTTP scorer answers {"rows": [...]} with {"scores": [...]} or {"predictions": [...]}', found=f"{type(error).__name__}: {error}",
            do="check that it runs, and name its /predict",
        ) from error  # fmt: skip
    if len(given) != rows.height:
        raise ModelError(
            f"{url} gave {len(given):,} answers", rule="one per row", found=f"{rows.height:,} rows were asked"
        )
    return np.array([_score(one) for one in given], dtype=float)


def _score(answer: Any) -> float:
    """Return the score in an answer: a number, `score`, the probability of the second of two labels, or the value."""
    if not isinstance(answer, dict):
        return float(answer)
    if answer.get("score") is not None:
        return float(answer["score"])
    shares = answer.get("probabilities")
    if isinstance(shares, dict) and shares:
        values = [float(value) for value in shares.values()]
        return values[1] if len(values) == 2 else max(values)
    return float(answer["prediction"])


def _of_file(path: Path) -> Scorer:
    frame = open_source(path).collect()
    if not {"id", "score"} <= set(frame.columns):
        raise DataError(
            f"{path.name} is no file of scores", rule="it has the columns id and score", found=f"columns are {listed(frame.columns)}"
        )  # fmt: skip
    known = frame.select(pl.col("id").cast(pl.String), pl.col("score").cast(pl.Float64, strict=False)).unique("id")

    def ask(rows: pl.DataFrame) -> np.ndarray:
        found = rows.select(pl.col("id").cast(pl.String)).join(known, on="id", how="left", maintain_order="left")
        return found["score"].fill_null(np.nan).to_numpy()

    return ask
