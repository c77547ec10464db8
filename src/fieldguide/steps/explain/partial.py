"""Partial dependence: the mean answer as one column takes value after value and all else stays, and how rows differ in it.

Knows a predictor and rows; which columns are worth a curve is the caller's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldguide.core.candidate import Predictor
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column

POINTS = 20
LEVELS = 10
LINES = 5
ABLE = ("number", "boolean", "category", "datetime")
"""Kinds of columns that have values to go through."""


def partial_dependence(
    predictor: Predictor, rows: Rows, column: Column, *, output: int = 0, points: int = POINTS
) -> dict[str, Any]:
    """Return the curve of a column: the mean answer at each value of a grid, with the spread over rows.

    Formula: pd(v) = mean over rows of f(row with the column at v). The ICE curve of a row is f(that row with the column at v); `low`
    and `high` are the 10th and 90th percentile of ICE curves about their own means, laid around pd: where they are wide, the
    column acts differently on different rows.

    Args:
        points: at most so many values of a number, at the quantiles of its values; of a category the most frequent levels.

    Source:
        Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", 2001, section 8.2; Goldstein et al., "Peeking Inside the
        Black Box" (ICE), 2015.
    """
    problem, known = predictor.outputs[output], rows.cells[column.name]
    grid = grid_of(known, column.kind, points)
    answers = []
    for value in grid.tolist():
        cells = np.full(len(rows), value) if known.dtype != object else np.array([value] * len(rows), object)
        answers.append(predictor.predict({**rows.cells, column.name: cells}, len(rows))[output])
    ice = np.stack(answers) if answers else np.zeros((0, len(rows), 1))  # (grid, rows, width)
    lines = [1] if problem.family == "binary" else list(range(min(ice.shape[2], LINES)))
    names = [problem.labels[line] if problem.labels else problem.name for line in lines]
    curves = []
    for line, name in zip(lines, names):
        mean = ice[:, :, line].mean(axis=1)
        own = ice[:, :, line] - ice[:, :, line].mean(axis=0, keepdims=True)
        low, high = (
            np.percentile(own, q, axis=1) - own.mean(axis=1) if len(grid) else np.zeros(0) for q in (10, 90)
        )  # fmt: skip
        curves.append({
            "of": name, "mean": mean.tolist(), "low": (mean + low).tolist(), "high": (mean + high).tolist(),
            "reach": float(np.ptp(mean)) if len(grid) else 0.0,
        })  # fmt: skip
    return {
        "column": column.name, "kind": column.kind, "grid": told(grid, column.kind), "curves": curves, "n": len(rows),
        "left_out": max(0, problem.width - LINES) if problem.family != "binary" else 0,
    }  # fmt: skip


def grid_of(cells: np.ndarray, kind: str, points: int = POINTS) -> np.ndarray:
    """Return the values a column is put to, as its cells hold them: quantiles, or the most frequent levels.

    Examples:
        >>> grid_of(np.array([1.0, 1.0, 2.0, np.nan]), "number").tolist()
        [1.0, 2.0]
    """
    if cells.dtype == object:
        levels, counts = np.unique([cell for cell in cells.tolist() if cell is not None], return_counts=True)
        chosen = levels[np.argsort(-counts, kind="stable")][: min(points, LEVELS)]
        grid = np.empty(len(chosen), object)
        grid[:] = [str(level) for level in chosen]
        return grid
    known = cells[~np.isnan(cells)]
    if not len(known):
        return known
    distinct = np.unique(known)
    if len(distinct) <= points or kind == "boolean":
        return distinct
    return np.unique(np.quantile(known, np.linspace(0.01, 0.99, points), method="nearest"))


def told(grid: np.ndarray, kind: str) -> list[Any]:
    """Return values as a report tells them: dates in ISO, true and false in words."""
    if kind == "datetime":
        return [str(np.datetime64(int(value), "s")) for value in grid.tolist()]
    if kind == "boolean":
        return ["true" if value else "false" for value in grid.tolist()]
    return grid.tolist()
