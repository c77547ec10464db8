"""Derived: what each derived column is worth, told in rows. Learning curves with the column and without it.

Takes development rows only. A quick boosting stands in for what will be trained; the curves judge columns, never candidates.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort, Metric, Roles
from fieldguide.core.leaderboard import readable
from fieldguide.core.problem import Problem
from fieldguide.core.rows import Rows
from fieldguide.core.score import weights_for
from fieldguide.core.seeds import generator, seed_for
from fieldguide.core.settings import with_values
from fieldguide.core.table import Table
from fieldguide.parts import find, modality

MOST_COLUMNS = 5
MOST_ROWS = 6_000
FEWEST_ROWS = 200
SHARES = (0.125, 0.25, 0.5, 1.0)
"""Parts of the training rows on which a curve has a point."""
HELD = 0.3
N_REPEATS = 6
SETTINGS = {"n_rounds": 60, "learning_rate": 0.15, "num_leaves": 15, "min_data_in_leaf": 10, "feature_fraction": 1.0}


def derived_worth(
    table: Table, problem: Problem, metric: Metric, roles: Roles, *, seed: int = 0, threads: int = 1
) -> dict[str, Any] | None:
    """Return, for each derived column, how many rows with it reach what all rows reach without it; None without any.

    Six times, 30 % of the blocks are held out and a quick boosting is fitted on an eighth, a quarter, a half and all of the rest,
    with every column and without the one in question. On the curve with the column, rows are interpolated (in the logarithm) at which
    the score without it is reached; where the column does harm, the other way round. The curves end at an eighth of the rows, so that
    more than 87.5 % cannot be seen to be saved. The interval is of the mean logarithm over repeats, corrected for
    their sharing rows.

    Args:
        table: typed development rows.
        metric: the judge of the first output.
        roles: blocks of the same rows.

    Returns:
        facts: sizes, title, columns: [{column, expression, saves, interval, rows_with, rows_without, with, without}].

    Source: Nadeau & Bengio (2003), Inference for the Generalization Error, for the correction.
    """
    columns = [column for column in table.features if "expression" in column.read]
    if not columns or table.n_rows < FEWEST_ROWS:
        return None
    rng = generator(seed, "derived")
    output, rows = problem.outputs[0], np.arange(table.n_rows)
    units = np.unique(roles.blocks, return_inverse=True)[1]
    if table.n_rows > MOST_ROWS:
        rows = np.flatnonzero(rng.permutation(units.max() + 1)[units] < (units.max() + 1) * MOST_ROWS / table.n_rows)
    data = Rows.of(table.take(rows), problem.outputs, modality)
    data, units = replace(data, truths=data.truths[:1]), np.unique(units[rows], return_inverse=True)[1]
    n_units = int(units.max()) + 1
    shown = columns[:MOST_COLUMNS]
    names = [None, *(column.name for column in shown)]
    sizes = [max(2, round(share * (1 - HELD) * len(rows))) for share in SHARES]
    scores = np.full((N_REPEATS, len(names), len(SHARES)), np.nan)
    candidate = Candidate.of("derived", with_values(find("learners", "boosting")(), SETTINGS))
    for repeat in range(N_REPEATS):
        place = rng.permutation(n_units) / n_units
        held = np.flatnonzero(place[units] < HELD)
        for j, share in enumerate(SHARES):
            train = np.flatnonzero((place[units] >= HELD) & (place[units] < HELD + share * (1 - HELD) + 1e-12))
            if len(train) < 10 or len(held) < 10:
                continue
            for i, gone in enumerate(names):
                kept = _without(data, gone)
                effort = Effort(seed_for(seed, "derived", repeat, j), threads)
                fitted, _ = fit(candidate, kept.take(train), None, (output,), modality, effort)
                judged = kept.take(held)
                answer = readable(output, fitted.predict(judged.cells, len(judged))[0], metric, None)
                scores[repeat, i, j] = metric.score(judged.truths[0], answer, weights_for(metric, judged.score_weights))
    sign = 1.0 if metric.greater_is_better else -1.0
    return {
        "sizes": sizes, "title": metric.title, "metric": metric.name, "n_rows": len(rows), "n_repeats": N_REPEATS,
        "columns": [
            {"column": column.name, "expression": str(column.read["expression"]), **_worth(sign * scores[:, 0], sign * scores[:, i], sizes),
             "with": _means(scores[:, 0]), "without": _means(scores[:, i])}
            for i, column in enumerate(shown, 1)
        ],
        "left_out": [column.name for column in columns[MOST_COLUMNS:]],
    }  # fmt: skip


def _without(rows: Rows, name: str | None) -> Rows:
    if name is None:
        return rows
    columns = tuple(column for column in rows.columns if column.name != name)
    return replace(rows, columns=columns, cells={column.name: rows.cells[column.name] for column in columns})


def _worth(having: np.ndarray, lacking: np.ndarray, sizes: list[int]) -> dict[str, Any]:
    """Return the share of rows saved, from scores of (repeats, sizes), greater is better.

    A repeat counts by the logarithm of (rows with the column / rows without it) at the same score.
    """
    from scipy.special import stdtrit

    logs = np.array([log_rows(a, b, sizes) for a, b in zip(having, lacking)])
    logs = logs[np.isfinite(logs)]
    if len(logs) < 3:
        return {"saves": None, "interval": [None, None], "rows_with": None, "rows_without": None}
    mean = float(logs.mean())
    error = float(logs.std(ddof=1)) * math.sqrt(1 / len(logs) + HELD / (1 - HELD))
    reach = -float(stdtrit(len(logs) - 1, 0.025)) * error
    low, high = (1 - math.exp(end) for end in (mean + reach, mean - reach))
    without = sizes[-1] if mean <= 0 else sizes[-1] / math.exp(mean)
    return {
        "saves": 1 - math.exp(mean), "interval": [low, high], "rows_with": round(without * math.exp(mean)), "rows_without": round(without),
    }  # fmt: skip


def log_rows(having: np.ndarray, lacking: np.ndarray, sizes: list[int]) -> float:
    """Return the logarithm of (rows with the column / rows without it) that reach the same score; below 0 it saves rows.

    Curves are taken as rising: a point is as good as the best of those with fewer rows.

    Examples:
        >>> sizes = [100, 200, 400, 800]
        >>> round(math.exp(log_rows(np.array([5, 6, 7, 8.0]), np.array([3, 4, 5, 6.0]), sizes)), 2)
        0.25
    """
    if not (np.isfinite(having).all() and np.isfinite(lacking).all()):
        return math.nan
    having, lacking, grid = np.maximum.accumulate(having), np.maximum.accumulate(lacking), np.log(sizes)
    if having[-1] >= lacking[-1]:
        return float(_reached(having, grid, lacking[-1]) - grid[-1])
    return float(grid[-1] - _reached(lacking, grid, having[-1]))


def _reached(scores: np.ndarray, grid: np.ndarray, wanted: float) -> float:
    """Return where a rising curve first reaches a score."""
    after = int(np.argmax(scores >= wanted))
    if after == 0:
        return float(grid[0])
    low, high = scores[after - 1], scores[after]
    return float(grid[after - 1] + (wanted - low) / (high - low) * (grid[after] - grid[after - 1]))


def _means(scores: np.ndarray) -> list[float | None]:
    return [float(column[np.isfinite(column)].mean()) if np.isfinite(column).any() else None for column in scores.T]
