"""Evaluate: the same evidence for predictions made elsewhere.

Takes answers with the name of each row, puts them beside the study's truth, and judges them as any candidate is judged. Rows
behind the seal cost a look; whoever calls has opened it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError, listed, nearest
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import difference, judge
from fieldguide.core.problem import Output, Problem
from fieldguide.core.source import open_source

PARTS = ("validation", "test")


def read_answers(data: Any, problem: Problem, key: str | None, keys: pl.Series | None, n_rows: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Return (rows of the study's table, predictions per output) from a file or data frame.

    Args:
        data: has the key column (or `row`, counted from 0) and per output `probability_<label>` or `prediction` columns
            (`probability_<output>_<label>` and `prediction_<output>` where there are several outputs).
        key: the study's key column, or None.
        keys: its values for every row of the table.
        n_rows: rows of the table.

    Raises:
        DataError: rows cannot be named, a row is unknown or stands twice, or a prediction is missing.
    """
    frame = open_source(data).collect()
    name = key if key in frame.columns else "row"
    if name not in frame.columns:
        raise DataError(
            "the predictions do not name their rows", rule=f"there is a column {key or 'row'!r}" + (" or 'row'" if key else " (counted from 0)"),
            found=f"the columns are {listed(frame.columns)}",
        )  # fmt: skip
    if name == "row":
        rows = frame["row"].cast(pl.Int64, strict=False).fill_null(-1).to_numpy()
    else:
        assert keys is not None
        places = pl.DataFrame({"k": keys.cast(pl.String), "i": np.arange(n_rows)}).unique("k", keep="first")
        rows = pl.DataFrame({"k": frame[name].cast(pl.String)}).join(places, on="k", how="left", maintain_order="left")["i"].fill_null(-1).to_numpy()
    strange = np.flatnonzero((rows < 0) | (rows >= n_rows))
    if len(strange):
        raise DataError(
            f"{len(strange):,} rows of the predictions are not in the study", rule="every row is one of the study's table",
            found=f"such as {name} {frame[name][int(strange[0])]!r}",
        )  # fmt: skip
    if len(np.unique(rows)) < len(rows):
        raise DataError("some rows are predicted twice", rule="a row is predicted once", found=f"{len(rows) - len(np.unique(rows)):,} repeats")
    return rows, tuple(_predicted(frame, output, len(problem.outputs) > 1) for output in problem.outputs)


def evaluate(
    problem: Problem, truths: tuple[np.ndarray, ...], predictions: tuple[np.ndarray, ...], blocks: np.ndarray, parts: Mapping[str, np.ndarray],
    bar: tuple[str, np.ndarray, np.ndarray] | None, *, looks: int, seed: int,
) -> tuple[dict[str, Any], tuple[Finding, ...]]:  # fmt: skip
    """Judge predictions on each part of the rows they cover.

    Shape:
        truths[i], blocks: (predicted rows,)
        predictions[i]: (predicted rows, width)
        parts[name]: (predicted rows,) bool; "validation" are development rows, "test" sealed ones

    Args:
        bar: name, rows (positions among the predicted ones) and out-of-fold predictions of the best baseline.
    """
    found: dict[str, Any] = {"scores": [], "calibration": [], "n_rows": len(blocks)}
    for name in PARTS:
        mask = parts[name]
        if mask.sum() < 2:
            continue
        judged = judge(
            problem, [t[mask] for t in truths], tuple(p[mask] for p in predictions), blocks[mask], seed=seed, rows=name,
            looks=looks if name == "test" else 0,
        )  # fmt: skip
        found["scores"] += judged["scores"]
        found["calibration"] += judged["calibration"]
    if bar is not None and len(bar[1]) > 1:
        name, rows, theirs = bar
        against = difference(problem.output, truths[0][rows], predictions[0][rows], theirs, blocks[rows], seed=seed)
        found["difference"] = {"bar": name, **against}
    found["sentence"] = "; ".join(
        f"{s['rows']} {s['metric']} {s['value']:.4g} [{s['interval'][0]:.4g}, {s['interval'][1]:.4g}] on {s['n']:,} rows" for s in found["scores"]
    )
    return found, ()


def _predicted(frame: pl.DataFrame, output: Output, several: bool) -> np.ndarray:
    suffix = f"_{output.name}" if several else ""
    if output.task.family == "values":
        return _numbers(frame, f"prediction{suffix}")[:, None]
    wanted = [f"probability{suffix}_{label}" for label in output.labels]
    present = [name for name in wanted if name in frame.columns]
    if output.family == "binary" and len(present) == 1:
        one = _numbers(frame, present[0])
        return np.stack([1 - one, one] if present[0] == wanted[1] else [one, 1 - one], axis=1)
    if len(present) == len(wanted):
        return np.stack([_numbers(frame, name) for name in wanted], axis=1)
    name = f"prediction{suffix}"
    if name not in frame.columns or present:
        raise DataError(
            f"the predictions of {output.name!r} are incomplete", rule=f"there are columns {listed(wanted)}, or one column {name!r}",
            found=f"the columns are {listed(frame.columns)}",
        )  # fmt: skip
    codes = output.code(frame[name].cast(pl.String))
    return np.eye(len(output.labels))[codes]


def _numbers(frame: pl.DataFrame, name: str) -> np.ndarray:
    if name not in frame.columns:
        raise DataError(f"there is no column {name!r}{nearest(name, frame.columns)}", found=f"the columns are {listed(frame.columns)}")
    values = frame[name].cast(pl.Float64, strict=False)
    if values.null_count() or not values.is_finite().all():
        row = int(np.flatnonzero(~values.is_finite().fill_null(False).to_numpy())[0])
        raise DataError(f"column {name!r} is not a number in row {row}", rule="every row has a prediction", found=repr(frame[name][row]))
    return values.to_numpy()
