"""Association: what one column tells of a target, by the means of its levels or bins in rows they were not made of.

Knows columns and coded targets as arrays. Explore ranks columns by it, and checks of leaks and groups ask it of halves of their own.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fieldguide.core.problem import Output

N_BINS = 20


def indicators(output: Output, truth: np.ndarray) -> np.ndarray:
    """Return a coded target as columns whose variance can be explained: (rows, labels) indicators, or (rows, 1) values."""
    if output.task.family == "classes":
        found: np.ndarray = np.eye(len(output.labels))[truth]
        return found
    return truth.reshape(len(truth), -1).astype(np.float64)


def binned(values: pl.Series, n_bins: int = N_BINS) -> np.ndarray:
    """Return (rows,) bin numbers: quantile bins of numbers and times, levels of categories; 0 is missing.

    Examples:
        >>> binned(pl.Series(["b", None, "a"])).tolist(), binned(pl.Series([1.0, 2.0, 3.0, None]), 2).tolist()
        ([2, 0, 1], [1, 2, 2, 0])
    """
    if values.dtype == pl.String:
        return values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    array = values.to_physical().cast(pl.Float64).to_numpy()
    known = array[np.isfinite(array)]
    if not len(known):
        return np.zeros(len(array), np.int64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, n_bins + 1)[1:-1]))
    return np.where(np.isfinite(array), 1 + np.searchsorted(edges, array, side="right"), 0)


def explained_by_levels(levels: np.ndarray, goal: np.ndarray, side: np.ndarray) -> float:
    """Return the share of variance that means of levels on one side explain on the other, both ways; it may be negative.

    A mean has one pseudo-row at the mean of all, so that rare levels do not shout.

    Shape:
        levels: (rows,) int64 codes from 0
        goal: (rows, k) float64
        side: (rows,) 0 or 1

    Examples:
        >>> levels, side = np.repeat([0, 1], 50), np.tile([0, 1], 50)
        >>> round(explained_by_levels(levels, levels[:, None].astype(float), side), 3)
        0.999
    """
    shares = []
    for fit in (side == 0, side == 1):
        if fit.all() or not fit.any():
            return 0.0
        prior = goal[fit].mean(axis=0)
        n = np.bincount(levels[fit], minlength=int(levels.max()) + 1)[:, None]
        sums = np.stack([np.bincount(levels[fit], weights=y, minlength=len(n)) for y in goal[fit].T], axis=1)
        predicted = ((sums + prior) / (n + 1))[levels[~fit]]
        spread = ((goal[~fit] - prior) ** 2).sum()
        shares.append(1 - ((goal[~fit] - predicted) ** 2).sum() / spread if spread > 0 else 0.0)
    return float(np.mean(shares))
