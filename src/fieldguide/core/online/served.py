"""Served cells beside training cells: windows of time, and how far a column has moved between two sets of rows.

Knows typed frames and codes; what is worth saying is each check's, where the rows come from is the step's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from fieldguide.core.table import Column

BINS = 10
LEVELS = 20
"""Levels of a category that have a bin of their own; the others that training saw share one."""


@dataclass(frozen=True)
class Traffic:
    """What a model was served, beside what it was trained on.

    Args:
        columns: the columns both frames have, as typed cells.
        training: training rows.
        served: answered rows, in the order of time.
        window: number of each served row's window, ascending.
        windows: start and end of each window.
        n_units: units among the served rows; rows without one count for themselves.

    Shape:
        window: (served rows,) int64
    """

    columns: tuple[Column, ...]
    training: pl.DataFrame
    served: pl.DataFrame
    window: np.ndarray
    windows: tuple[tuple[datetime, datetime], ...]
    n_units: int

    @property
    def weight(self) -> float:
        """How many independent rows a served row counts for: a unit that asks often says the same again."""
        return self.n_units / max(1, self.served.height)

    def compared(self) -> tuple[Column, ...]:
        """The columns whose distribution may be compared: dates move on by themselves."""
        return tuple(column for column in self.columns if column.kind in ("number", "boolean", "category"))


@dataclass(frozen=True)
class Moved:
    """How far a column's known cells are distributed apart in two sets of rows.

    Args:
        index: population stability index, less what chance gives.
        p: of the chi-squared test, rows weighted by the units behind them.
        n: known cells of the second set.
    """

    index: float
    p: float
    n: int


def windows_of(
    times: Sequence[datetime], most: int = 8, fewest: int = 200
) -> tuple[np.ndarray, tuple[tuple[datetime, datetime], ...]]:
    """Divide rows in the order of time into windows of about equally many rows.

    Args:
        most: windows at most.
        fewest: rows a window holds at least.

    Examples:
        >>> at = [datetime(2024, 1, day) for day in range(1, 9)]
        >>> windows_of(at, most=4, fewest=2)[0].tolist()
        [0, 0, 1, 1, 2, 2, 3, 3]
    """
    n = len(times)
    k = max(1, min(most, n // fewest))
    window = (np.arange(n) * k) // max(1, n)
    starts = [int(np.searchsorted(window, i)) for i in range(k)]
    return window, tuple((times[start], times[end - 1]) for start, end in zip(starts, [*starts[1:], n])) if n else ()


def moved(before: pl.Series, after: pl.Series, weight: float = 1.0) -> Moved:
    """Return how far the known cells of a column have moved. Bins are made of `before`; levels it lacks are left out.

    Index: sum of (q - p) ln(q / p) over bins, half a row added to each, less (bins - 1)(1/n + 1/m), which two like samples have.

    Args:
        weight: independent rows that one row of `after` counts for.

    Examples:
        >>> same = moved(pl.Series([1.0, 2.0] * 500), pl.Series([1.0, 2.0] * 200))
        >>> same.index, same.p > 0.9
        (0.0, True)
        >>> round(moved(pl.Series(["a", "b"] * 500), pl.Series(["a"] * 300 + ["b"] * 100)).index, 2)
        0.27

    Source:
        Siddiqi (2006), Credit Risk Scorecards, for the index.
    """
    from scipy.special import chdtrc  # scipy.stats would take 1.2 s to import

    one, two, k = _codes(before.drop_nulls(), after.drop_nulls())
    if not len(one) or not len(two):
        return Moved(0.0, 1.0, len(two))
    counts = [np.bincount(side, minlength=k).astype(np.float64) for side in (one, two)]
    used = (counts[0] + counts[1]) > 0
    p, q = ((side[used] + 0.5) / (side[used] + 0.5).sum() for side in counts)
    bins = int(used.sum())
    chance = (bins - 1) * (1 / len(one) + 1 / (len(two) * weight))
    index = max(0.0, float(((q - p) * np.log(q / p)).sum()) - chance)
    if bins < 2:
        return Moved(index, 1.0, len(two))
    table = np.stack([counts[0][used], counts[1][used] * weight])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return Moved(index, float(chdtrc(bins - 1, statistic)), len(two))


def _codes(before: pl.Series, after: pl.Series) -> tuple[np.ndarray, np.ndarray, int]:
    if before.dtype == pl.String:
        levels = before.value_counts(sort=True)[before.name].to_list()
        codes = {level: min(i, LEVELS) for i, level in enumerate(levels)}
        coded = [
            side.replace_strict(codes, default=None, return_dtype=pl.Int64).drop_nulls().to_numpy()
            for side in (before, after)
        ]
        return coded[0], coded[1], min(len(levels), LEVELS + 1)
    one, two = (side.cast(pl.Float64).to_numpy() for side in (before, after))
    distinct = np.unique(one)
    quantiles = np.quantile(one, np.arange(1, BINS) / BINS) if len(one) else one
    edges = distinct[1:] if len(distinct) <= BINS else np.unique(quantiles)
    return np.searchsorted(edges, one, side="right"), np.searchsorted(edges, two, side="right"), len(edges) + 1


def unseen(training: pl.Series, served: pl.Series) -> pl.Series:
    """Return the served levels that training never saw, one entry per cell."""
    return served.drop_nulls().filter(~served.drop_nulls().is_in(training.drop_nulls().unique().implode()))
