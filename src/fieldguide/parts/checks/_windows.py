"""Windows: what a column has of the target's rows before, at and after its own, and of its whole group. Arithmetic of FG316.

Knows sequences and least squares; nothing of findings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LAGS = 8
LENGTHS = (3, 5, 6, 7, 10, 12, 14, 15, 20, 24, 28, 30, 48, 50, 60, 90, 100, 168)
MOST_ROWS = 4_000
FEWEST_ROWS = 100
QUOTA = 0.5  # of what chance alone makes of the groups' means: below it they are fixed


@dataclass(frozen=True)
class Shares:
    """Shares of a column's variance that rows of the target explain: those before, also its own, also those after."""

    past: float
    present: float
    whole: float
    own: float


@dataclass(frozen=True)
class Neighbours:
    """The target's neighbours in time, for the rows that have them all.

    Shape:
        rows: (n,) indices into the table
        past, future: (n, windows)
        own: (n, 1)
    """

    rows: np.ndarray
    past: np.ndarray
    own: np.ndarray
    future: np.ndarray


def neighbours(y: np.ndarray, times: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> Neighbours | None:
    """Return lags and window means of the target on either side of each row, within its group, in order of time.

    Args:
        y: (rows,) the target as numbers.
        groups: (rows,) ids; rows of one group form one sequence.

    Returns:
        None where sequences are too short to have neighbours.
    """
    order = np.lexsort((times, groups))
    y, ids = y[order].astype(np.float64), np.unique(groups[order], return_inverse=True)[1]
    sizes = np.bincount(ids)
    typical = int(np.sort(np.repeat(sizes, sizes))[len(ids) // 4])  # three rows in four are in sequences this long
    n_lags = min(LAGS, (typical - 1) // 3)
    if n_lags < 1:
        return None
    lengths = [length for length in LENGTHS if n_lags < length <= typical // 6]
    reach = max([n_lags, *lengths])
    start = np.concatenate([[0], np.cumsum(sizes)])[:-1][ids]
    at = np.arange(len(y))
    whole = np.flatnonzero((at - start >= reach) & (start + sizes[ids] - at > reach))
    if len(whole) < max(FEWEST_ROWS, 5 * (2 * n_lags + 2 * len(lengths) + 1)):
        return None
    whole = np.sort(rng.permutation(whole)[:MOST_ROWS])
    sums = np.concatenate([[0.0], np.cumsum(y - y.mean())])
    before = [y[whole - k] for k in range(1, n_lags + 1)]
    after = [y[whole + k] for k in range(1, n_lags + 1)]
    before += [(sums[whole] - sums[whole - length]) / length for length in lengths]
    after += [(sums[whole + length + 1] - sums[whole + 1]) / length for length in lengths]
    # A window of n rows around a row has (n - 1) / 2 on either side.
    halves = sorted({(length - 1) // 2 for length in lengths} - set(lengths) - set(range(n_lags + 1)))
    before += [(sums[whole] - sums[whole - half]) / half for half in halves]
    after += [(sums[whole + half + 1] - sums[whole + 1]) / half for half in halves]
    return Neighbours(order[whole], np.stack(before, 1), y[whole, None], np.stack(after, 1))


def shares(values: np.ndarray, seen: Neighbours) -> Shares | None:
    """Return what past, own and future rows of the target explain of a column; None where it is mostly unknown."""
    goal = values[seen.rows]
    known = np.isfinite(goal)
    n_windows = seen.past.shape[1] + seen.future.shape[1] + 2
    if known.sum() < max(FEWEST_ROWS, 5 * n_windows, 0.5 * len(goal)) or goal[known].std() == 0:
        return None
    past, own, future, goal = seen.past[known], seen.own[known], seen.future[known], goal[known]
    return Shares(
        _explained([past], goal),
        _explained([past, own], goal),
        _explained([past, own, future], goal),
        _explained([own], goal),
    )


def _explained(parts: Sequence[np.ndarray], goal: np.ndarray) -> float:
    """Return the adjusted share of variance explained by least squares."""
    x = np.concatenate(parts, axis=1)
    x = np.concatenate([x - x.mean(axis=0), np.ones((len(x), 1))], axis=1)
    left = goal - x @ np.linalg.lstsq(x, goal, rcond=1e-10)[0]
    n, k = x.shape
    return float(1 - (left**2).sum() / max(1, n - k) / goal.var() * (n - 1) / n)


@dataclass(frozen=True)
class Overlap:
    """How a column that is the same in all rows of a group follows the chance in that group's mean of the target.

    Args:
        ratio: squared distance of the groups' means from a line on the column, over what chance alone makes it: 1 for a
            column that knows each group's true mean and nothing more, near 0 for one computed from these very rows.
        n_groups: groups that are effectively compared.
        p: how often chance would give so small a ratio.
    """

    ratio: float
    n_groups: float
    p: float


def overlap(values: np.ndarray, y: np.ndarray, groups: np.ndarray) -> Overlap | None:
    """Return how a column of group values overlaps with the rows of the target; None where it is no column of groups.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> groups = np.repeat(np.arange(100), 10)
        >>> y = rng.normal(size=1_000)
        >>> mean = y.reshape(100, 10).mean(axis=1)[groups]
        >>> overlap(mean, y, groups).ratio < 1e-6, overlap(rng.normal(size=100)[groups], y, groups).ratio > 0.6
        (True, True)
    """
    known = np.isfinite(values)
    ids = np.unique(groups[known], return_inverse=True)[1]
    values, y = values[known], y[known]
    if not len(ids):
        return None
    sizes = np.bincount(ids)
    first = np.zeros(len(sizes))
    first[ids[::-1]] = values[::-1]
    if np.abs(first[ids] - values).max() > 1e-9 * (np.abs(values).max() + 1) or np.median(sizes[ids]) > 200:
        return None
    means = np.bincount(ids, weights=y) / sizes
    spread = np.bincount(ids, weights=(y - means[ids]) ** 2)
    several = sizes >= 2
    if several.sum() < 30 or len(np.unique(first[several])) < 10:
        return None
    sizes, means, first = sizes[several], means[several], first[several]
    variances = spread[several] / (sizes - 1)
    total = float(variances.sum())
    if total <= 0:
        return None
    x = np.stack([first - np.average(first, weights=sizes), np.ones(len(first))], axis=1)
    # Where each group has its quota (one of four is chosen), means lie nearer to each other than chance lets them: nothing follows it.
    if float((sizes * (means - np.average(means, weights=sizes)) ** 2).sum()) < QUOTA * total:
        return None
    root = np.sqrt(sizes)
    slope = np.linalg.lstsq(x * root[:, None], means * root, rcond=None)[0]
    ratio = float((sizes * (means - x @ slope) ** 2).sum() / total)
    effective = total**2 / float((variances**2).sum())
    return Overlap(ratio, effective, _chance(ratio, effective))


def _chance(ratio: float, n: float) -> float:
    """Return the probability that a chi-squared value over its degrees of freedom is at most `ratio`.

    Source:
        Wilson and Hilferty (1931): its cube root is nearly normal.

    Examples:
        >>> round(_chance(0.5, 30.0), 3), round(_chance(1.0, 1e6), 2)  # exactly .0103 and .5
        (0.01, 0.5)
    """
    spread = 2 / (9 * n)
    return 0.5 * math.erfc(-(max(ratio, 0.0) ** (1 / 3) - (1 - spread)) / math.sqrt(2 * spread))


def rates_of_few(values: np.ndarray, y: np.ndarray) -> bool:
    """Whether a column holds rates of a yes-or-no target in groups of a few rows, the row's own among them.

    Such rates are simple fractions, and those of 0 and 1 have no exception: a rate of other rows would have some.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> groups, y = np.repeat(np.arange(300), 3), (rng.random(900) < 0.3).astype(float)
        >>> own = y.reshape(300, 3).mean(axis=1)[groups]
        >>> rates_of_few(own.round(4), y), rates_of_few(own.round(4), y[::-1])
        (True, False)
    """
    known = np.isfinite(values)
    v, y = values[known], y[known]
    if len(v) < 100 or v.min() < 0 or v.max() > 1 or not np.isin(y, (0.0, 1.0)).all():
        return False
    none, every = v == 0, v == 1
    ends = int(none.sum() + every.sum())
    if ends < max(30, 0.05 * len(v)) or y[none].any() or not y[every].all():
        return False
    wholes = np.abs(v[:, None] * np.arange(1, 13) - np.round(v[:, None] * np.arange(1, 13)))
    simple = (wholes < 1e-3 * np.arange(1, 13)).any(axis=1)
    between = ~(none | every)
    base = float(y.mean())
    by_chance = none.sum() * np.log1p(-min(base, 0.999999)) + every.sum() * np.log(max(base, 1e-6))
    return bool(by_chance < np.log(1e-9) and between.sum() >= 30 and simple[between].mean() > 0.95)
