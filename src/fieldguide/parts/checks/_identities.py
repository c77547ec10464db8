"""Identities: columns, alone or in pairs, from which the target can be computed exactly. Arithmetic of FG313.

Knows arrays and how exact is exact; nothing of findings. What is only nearly the target is not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.problem import Output
from fieldguide.core.seeds import generator
from fieldguide.core.table import Table

FEWEST_ROWS = 30
SCREENED_ROWS = 2_000
MOST_COLUMNS = 150
SCREEN = 0.999
"""Share of the variance that a pair has to explain on the sample before it is confirmed on all rows."""
ALONE = 1 - 1e-9
EXACT = 0.995
"""Share of the rows on which an identity has to hold; the rest may be typing errors."""
RARE_LEVEL = 0.002
"""Share of the rows up to which a level does not count: typing errors."""
COVERED = 0.2
"""Share of the rows on which an identity of two columns has to be defined (no division by zero, nothing missing)."""


@dataclass(frozen=True)
class Identity:
    """The target as a function of columns: which, the formula in words, and on how many rows it holds."""

    columns: tuple[str, ...]
    formula: str
    n_holds: int
    n: int


def recoded(values: pl.Series, truth: np.ndarray, output: Output) -> Identity | None:
    """Return the one-to-one recoding or monotone transform of the target that a column is; None when it is neither.

    Examples:
        >>> from fieldguide.parts import find
        >>> output = Output("y", find("tasks", "binary")(), ("no", "yes"))
        >>> truth = np.arange(40) % 2
        >>> recoded(pl.Series("alive", [["dead", "alive"][i] for i in truth]), truth, output).formula
        "one 'alive' for each 'y'"
        >>> recoded(pl.Series("x", [0, 1, 1, 1] * 10), truth, output) is None
        True
    """
    if output.task.family == "classes":
        return _one_to_one(values, truth, output)
    array = _numbers(values)
    return None if array is None else _monotone(values.name, array, truth, output)


def _one_to_one(values: pl.Series, truth: np.ndarray, output: Output) -> Identity | None:
    n, n_labels = len(truth), len(np.unique(truth))
    if n < FEWEST_ROWS or n_labels < 2 or values.n_unique() > n_labels + 3:
        return None
    levels = values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    table = np.zeros((int(levels.max()) + 1, len(output.labels)))
    np.add.at(table, (levels, truth), 1)
    best = table.argmax(axis=1)
    agree = int(table.max(axis=1).sum())
    used = best[table.sum(axis=1) > RARE_LEVEL * n]
    if agree < EXACT * n or len(set(used.tolist())) < n_labels or len(used) > n_labels:
        return None
    return Identity((values.name,), f"one {values.name!r} for each {output.name!r}", agree, n)


def _monotone(name: str, array: np.ndarray, truth: np.ndarray, output: Output) -> Identity | None:
    some = slice(None, None, max(1, len(truth) // SCREENED_ROWS))
    if _association(array[some], truth[some]) < 0.98:  # most columns end here
        return None
    known = ~np.isnan(array)
    x, y = array[known], truth[known]
    n = len(x)
    if n < max(FEWEST_ROWS, 0.5 * len(truth)) or min(_n_distinct(x), _n_distinct(y)) < FEWEST_ROWS:
        return None
    order = np.lexsort((y, x))
    steps = np.diff(y[order])
    for sign in (1, -1):
        if sign < 0:
            order = np.lexsort((-y, x))
            steps = -np.diff(y[order])
        backward = int((steps < 0).sum())
        if backward <= (1 - EXACT) * n / 2 and _same_order(x, sign * y):
            slope, start = np.polyfit(x - x.mean(), y, 1)
            start = float(start - slope * x.mean())
            fitted = slope * x + start
            exact = np.abs(fitted - y) <= _tolerance(y)
            formula = _linear([name], [float(slope)], start) if exact.mean() >= EXACT else f"a function of {name!r}"
            return Identity((name,), formula, n - backward, n)
    return None


def _same_order(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether x also follows from y: rounding may merge neighbours, and nothing else."""
    one, two = (np.unique(side, return_inverse=True)[1].astype(np.float64) for side in (x, y))
    return float(np.corrcoef(one, two)[0, 1]) > 0.99


def pairs(table: Table, output: Output, truth: np.ndarray, left_out: set[str]) -> list[Identity]:
    """Return the pairs of columns of which the target is an exact sum, difference, product or ratio, with any factors.

    All pairs are screened at once on a sample: the share of variance that two columns explain follows from sums of
    products, which are matrix products over pairwise complete rows; in logarithms for products and ratios. What explains
    all is confirmed on all rows.

    Args:
        left_out: columns that are a copy of the target on their own.
    """
    if output.task.family != "values" or len(truth) < FEWEST_ROWS:
        return []
    arrays = {c.name: _numbers(table.frame[c.name]) for c in table.columns if c.encoded and c.name not in left_out}
    known = {name: a for name, a in arrays.items() if a is not None and np.isfinite(a).mean() >= COVERED}
    known = {name: a for name, a in known.items() if _n_distinct(a[np.isfinite(a)][:SCREENED_ROWS]) > 2}
    if len(known) > MOST_COLUMNS:
        rank = {name: _association(a, truth) for name, a in known.items()}
        known = {name: known[name] for name in sorted(rank, key=lambda name: -rank[name])[:MOST_COLUMNS]}
    if len(known) < 2 or _n_distinct(truth) < 10:
        return []
    names = list(known)
    rows = np.sort(generator(0, "identities").permutation(len(truth))[:SCREENED_ROWS])
    matrix = np.stack([known[name][rows] for name in names], axis=1)
    found: list[Identity] = []
    for logs in (False, True):
        x, y = (_logs(matrix), _logs(truth[rows])) if logs else (matrix, truth[rows])
        for i, j in _screened(x, y):
            if any({names[i], names[j]} == set(identity.columns) for identity in found):
                continue
            identity = _confirmed(names[i], names[j], known[names[i]], known[names[j]], truth, output, logs)
            if identity is not None:
                found.append(identity)
    return found


def unlogged(truth: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what a target may be the logarithm of: (the logarithm's name, whole numbers or cents), where all rows agree.

    Examples:
        >>> price = np.arange(30.0, 130.0)
        >>> [(name, bool((found == price).all())) for name, found in unlogged(np.log10(price).round(4))]
        [('log10', True)]
    """
    if not len(truth) or np.abs(truth).max() > 30:
        return
    for name, power in (("log10", lambda y: 10.0**y), ("log", np.exp), ("log1p", np.expm1), ("log2", np.exp2)):
        values = power(truth)
        for digits in (0, 2):
            found = np.round(values, digits)
            if _n_distinct(found) >= 10 and (np.abs(values - found) <= 3e-4 * np.abs(values)).all():
                yield name, found
                break


def _screened(x: np.ndarray, y: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs of columns that explain y wholly by a plane, the best first; at most twenty.

    Shape:
        x: (rows, columns), NaN where a cell does not take part
        y: (rows,)
    """
    rows = np.isfinite(y)
    x, y = x[rows], y[rows]
    if len(y) < FEWEST_ROWS:
        return []
    seen = np.isfinite(x)
    centre = np.array([x[seen[:, i], i].mean() if seen[:, i].any() else 0.0 for i in range(x.shape[1])])
    spread = np.array([x[seen[:, i], i].std() if seen[:, i].any() else 0.0 for i in range(x.shape[1])])
    z = np.where(seen, (x - centre) / np.where(spread > 0, spread, 1), 0.0)
    y = (y - y.mean()) / (y.std() or 1.0)
    m = seen.astype(np.float64)
    zy, yy = z * y[:, None], m * (y**2)[:, None]
    n = m.T @ m
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_i, mean_y = (z.T @ m) / n, ((m * y[:, None]).T @ m) / n
        mean_j = mean_i.T
        var_i = ((z**2).T @ m) / n - mean_i**2
        var_j = var_i.T
        cov = (z.T @ z) / n - mean_i * mean_j
        cov_i = (zy.T @ m) / n - mean_i * mean_y
        cov_j = cov_i.T
        var_y = (yy.T @ m) / n - mean_y**2
        explained = (cov_i**2 * var_j + cov_j**2 * var_i - 2 * cov_i * cov_j * cov) / ((var_i * var_j - cov**2) * var_y)
        alone = np.maximum(cov_i**2 / (var_i * var_y), cov_j**2 / (var_j * var_y))
        distinct = (var_i * var_j - cov**2) > 1e-9 * var_i * var_j
        good = (explained >= SCREEN) & (alone < ALONE) & distinct & (n >= max(FEWEST_ROWS, COVERED * len(y)))
    first, second = np.nonzero(np.triu(good, 1))
    order = np.argsort(-explained[first, second])[:20]
    return [(int(first[k]), int(second[k])) for k in order]


def _confirmed(
    one: str, two: str, a: np.ndarray, b: np.ndarray, truth: np.ndarray, output: Output, logs: bool
) -> Identity | None:
    design = [_logs(a), _logs(b)] if logs else [a, b]
    goal = _logs(truth) if logs else truth
    rows = np.isfinite(design[0]) & np.isfinite(design[1]) & np.isfinite(goal)
    n = int(rows.sum())
    if n < max(FEWEST_ROWS, COVERED * len(truth)):
        return None
    # Fitted on centred columns: dates in microseconds would drown the constant.
    centre = [float(side[rows].mean()) for side in design]
    x = np.stack([side[rows] - c for side, c in zip(design, centre)] + [np.ones(n)], axis=1)
    slopes = np.linalg.lstsq(x, goal[rows], rcond=None)[0]
    y = truth[rows]
    if logs:
        powers = np.round(slopes[:2])
        if np.abs(slopes[:2] - powers).max() > 0.05 or not (np.abs(powers) == 1).all():
            return None
        plain = a[rows] ** powers[0] * b[rows] ** powers[1]
        factor = float(np.median(y / plain))
        factor = 1.0 if abs(factor - 1) < 0.01 and _holds(plain, y) >= _holds(factor * plain, y) else factor
        fitted = factor * plain
        formula = _product((one, two), powers, factor)
    else:
        fitted = x @ slopes
        constant = float(slopes[2] - slopes[0] * centre[0] - slopes[1] * centre[1])
        formula = _linear([one, two], [float(slopes[0]), float(slopes[1])], constant, scale=float(np.std(y)))
    holds = _holds(fitted, y)
    return Identity((one, two), formula, holds, n) if holds >= EXACT * n else None


def _holds(fitted: np.ndarray, y: np.ndarray) -> int:
    return int((np.abs(fitted - y) <= _tolerance(y)).sum())


def _numbers(values: pl.Series) -> np.ndarray | None:
    """Return a column as float64 with NaN, dates in seconds; None where it holds words."""
    if values.dtype.is_temporal():
        values = values.cast(pl.Datetime("us")).to_physical().cast(pl.Float64) / 1e6
    if not values.dtype.is_numeric():
        return None
    return values.cast(pl.Float64).to_numpy().copy()


def _logs(values: Any) -> np.ndarray:
    """Return logarithms of magnitudes, NaN where the value is zero or missing."""
    size = np.abs(np.asarray(values, np.float64))
    return np.log(np.where(size > 0, size, np.nan))


def _tolerance(y: np.ndarray) -> np.ndarray:
    """Return how far a row may be off: rounding of the target, where that is small beside its spread."""
    spread = float(np.std(y))
    unit = next((u for u in (100.0, 10.0, 1.0, 0.1, 0.01, 0.001) if np.abs(y / u - np.round(y / u)).max() < 1e-6), 0.0)
    return np.asarray(1e-6 * (np.abs(y) + spread) + (0.51 * unit if spread >= 20 * unit else 0.0))


def _n_distinct(values: np.ndarray) -> int:
    return len(np.unique(values))


def _association(a: np.ndarray, truth: np.ndarray) -> float:
    """Return the size of the rank correlation."""
    known = np.isfinite(a)
    if known.sum() < 2:
        return 0.0
    one, two = (np.unique(side[known], return_inverse=True)[1].astype(np.float64) for side in (a, truth))
    return abs(float(np.corrcoef(one, two)[0, 1])) if min(one.std(), two.std()) > 0 else 0.0


def _linear(names: list[str], slopes: list[float], constant: float, scale: float = 1.0) -> str:
    words = ""
    for name, slope in zip(names, slopes):
        size = "" if abs(abs(slope) - 1) < 1e-6 else f"{abs(slope):.6g} × "
        sign = ("-" if slope < 0 else "") if not words else (" - " if slope < 0 else " + ")
        words += f"{sign}{size}{name}"
    if abs(constant) > 1e-6 * max(1.0, abs(scale)):
        words += f" {'-' if constant < 0 else '+'} {abs(constant):.6g}"
    return words


def _product(names: tuple[str, str], powers: np.ndarray, factor: float) -> str:
    size = "" if abs(factor - 1) < 1e-6 else f"{factor:.6g} × "
    one, two = names
    if (powers > 0).all():
        return f"{size}{one} × {two}"
    if (powers < 0).all():
        return f"{size}1 / ({one} × {two})"
    return f"{size}{one} / {two}" if powers[0] > 0 else f"{size}{two} / {one}"
