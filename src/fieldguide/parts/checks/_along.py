"""Rows along time: which column orders them, how they fall into periods and segments, and bounds for many comparisons.

Knows typed tables and roles; what is worth saying about a period or a segment is each check's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fieldguide.core.contracts import Roles
from fieldguide.core.problem import Output
from fieldguide.core.table import WEIGHTS, Column, Table

MOST_ROWS = 50_000
MOST_LEVELS = 50
MICROSECONDS_PER_DAY = 86_400_000_000
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Along:
    """Rows in the order of time.

    Args:
        column: the column that orders them.
        rows: (n,) row indices of the table, the earliest first.
        times: (n,) int64 microseconds since 1970, sorted; months in a row for a calendar without a year.
        sure: time is declared or detected as such; else it is some date, or the file's order by a month column.
        dated: times are points in time, so that they can be said as dates.
    """

    column: str
    rows: np.ndarray
    times: np.ndarray
    sure: bool
    dated: bool = True

    @property
    def words(self) -> str:
        """How sentences call the order."""
        return f"along {self.column!r}" if self.dated else f"in the file's order, which follows {self.column!r}"

    def at(self, position: int) -> str:
        """Return the time of the row at a position, as text."""
        if self.dated:
            return said(int(self.times[position]))
        return f"month {int(self.times[position]) + 1} of the file"


def along(table: Table, roles: Roles | None, most: int = MOST_ROWS) -> Along | None:
    """Return rows ordered by time, at most `most` of them (every k-th); None where no column tells the time of a row.

    The time of the split comes first, then a column with the role time, then a date column that rows of the file are
    ordered by, then a month column that runs forward through the file; then any date that nearly every row has.
    """
    declared = table.role("time")
    if roles is not None and roles.times is not None and len(roles.times) == table.n_rows:
        name = declared[0].name if declared else "time"
        return _ordered(name, np.arange(table.n_rows), roles.times, True, most)
    dates = [column for column in table.features if column.kind == "datetime" and column not in declared]
    for column in (*declared, *dates):
        values = table.frame[column.name].cast(pl.Datetime("us")).to_physical()
        known = values.is_not_null().to_numpy()
        times = values.fill_null(0).to_numpy()[known]
        if len(times) < 100 or known.mean() < 0.99 or len(np.unique(times)) < 4:
            continue
        if column in declared or float((np.diff(times) >= 0).mean()) > 0.99:
            return _ordered(column.name, np.flatnonzero(known), times, True, most)
    for column in table.features:
        months = _months(table.frame[column.name], column.name)
        if months is not None:
            return _ordered(column.name, np.arange(table.n_rows), months, True, most, dated=False)
    return None


def _ordered(name: str, rows: np.ndarray, times: np.ndarray, sure: bool, most: int, *, dated: bool = True) -> Along:
    order = np.argsort(times, kind="stable")
    if len(order) > most:
        order = order[np.linspace(0, len(order) - 1, most).astype(np.int64)]
    return Along(name, rows[order], times[order].astype(np.int64), sure, dated)


def _months(values: pl.Series, name: str) -> np.ndarray | None:
    """Return months counted from the file's first one, where a month column runs forward through the file."""
    if values.dtype == pl.String:
        levels = values.unique().drop_nulls().to_list()
        codes = {level: _MONTHS.index(level[:3].lower()) for level in levels if level[:3].lower() in _MONTHS}
        if len(codes) < len(levels) or len(set(codes.values())) < 4 or len(levels) > 12:
            return None
        months = values.replace_strict(codes, default=None, return_dtype=pl.Int64)
    elif values.dtype == pl.Float64 and name.lower() in ("month", "mnth", "mon", "month_of_year"):
        months = values.cast(pl.Int64, strict=False)
        if not values.is_between(1, 12).all() or months.n_unique() < 4:
            return None
    else:
        return None
    if months.null_count():
        return None
    codes_of = months.to_numpy()
    steps = np.diff(codes_of) % 12
    moved = steps[steps > 0]
    # A shuffled file changes month with nearly every row, and as often backward as forward.
    if len(moved) < 4 or len(moved) > 0.1 * len(codes_of) or float((moved <= 3).mean()) < 0.95:
        return None
    return np.concatenate([[0], np.cumsum(steps)])


def periods(times: np.ndarray, most: int) -> np.ndarray:
    """Return (n,) period numbers of sorted times: about equally many rows each, equal times together.

    Examples:
        >>> periods(np.array([1, 1, 1, 2, 3, 4]), 3).tolist()
        [0, 0, 0, 0, 1, 1]
    """
    n = len(times)
    starts = np.searchsorted(times, times[(np.arange(1, most) * n) // most], side="left")
    starts = np.unique(starts[starts > 0])
    return np.searchsorted(starts, np.arange(n), side="right")


@dataclass(frozen=True)
class Segments:
    """A column that divides rows into a few segments: codes (n,) from 0, -1 where the cell is missing."""

    column: str
    codes: np.ndarray
    levels: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        return bool(self.levels) and all(level.replace(".", "", 1).lstrip("-").isdigit() for level in self.levels)


def segments(table: Table, rows: np.ndarray, *, fewest: int = 30, most_columns: int = 15) -> list[Segments]:
    """Return the columns that divide rows into 2 to 50 segments: categories, flags, group ids, and numbers with few values.

    Args:
        fewest: rows that a segment must hold to be one; the codes of smaller ones are -1.
    """
    found = []
    candidates = [c for c in table.columns if c.kind in ("category", "boolean", "number", "id", "text")]
    for column in candidates:
        if column.role in ("target", "ignore", *WEIGHTS, "key"):
            continue
        values = table.frame[column.name]
        if column.kind == "number" and not _few_numbers(values):
            continue
        part = values[rows]
        if part.n_unique() > 4 * MOST_LEVELS:
            continue
        counts = part.drop_nulls().value_counts(sort=True)
        counts = counts.filter(counts["count"] >= fewest)[:MOST_LEVELS]
        if counts.height < 2:
            continue
        levels = counts[column.name].to_list()
        codes = part.replace_strict(levels, list(range(len(levels))), default=-1, return_dtype=pl.Int64)
        found.append(Segments(column.name, codes.fill_null(-1).to_numpy(), tuple(_level(level) for level in levels)))
    return found[:most_columns]


def _few_numbers(values: pl.Series) -> bool:
    known = values.drop_nulls().unique()
    return 2 <= len(known) <= 20 and bool((known == known.round()).all())


def _level(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def condition(segment: Segments, level: str) -> str:
    """Return the expression that is true for the rows of a segment."""
    name = quoted(segment.column)
    if set(segment.levels) <= {"true", "false"}:
        return f"{name} = {level}"
    return f"{name} = {level}" if segment.is_number else f"{name} = '{level}'"


def quoted(name: str) -> str:
    """Return a column name as expressions write it.

    Examples:
        >>> quoted("day"), quoted("sold at")
        ('day', '`sold at`')
    """
    return name if name.isidentifier() and name.isascii() else f"`{name}`"


def said(microseconds: int) -> str:
    """Return a time as text, without a clock where it is midnight.

    Examples:
        >>> said(0), said(3_600_000_000)
        ('1970-01-01', '1970-01-01 01:00:00')
    """
    text = str(np.datetime64(microseconds, "us").astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(" 00:00:00")


def goal(output: Output, truth: np.ndarray) -> np.ndarray:
    """Return (rows, k) float64: indicators of the classes (one column for two classes), or the values."""
    if output.family == "binary":
        return truth[:, None].astype(np.float64)
    if output.task.family == "classes":
        return np.eye(len(output.labels))[truth]
    return truth[:, None].astype(np.float64)


def explained(groups: np.ndarray, target: np.ndarray) -> float:
    """Return the share of variance of (rows, k) targets between groups (eta squared), less what chance gives.

    The correction is that of Kelley's epsilon squared: 1 - (1 - eta²) (n - 1) / (n - g).
    """
    sizes = np.bincount(groups)
    used = sizes > 0
    n, g = len(groups), int(used.sum())
    centred = target - target.mean(axis=0)
    total = float((centred**2).sum())
    if total <= 0 or n <= g:
        return 0.0
    sums = np.stack([np.bincount(groups, weights=column, minlength=len(sizes)) for column in centred.T])
    between = float((sums[:, used] ** 2 / sizes[used]).sum())
    return max(0.0, 1 - (1 - between / total) * (n - 1) / (n - g))


def chi_square(one: np.ndarray, two: np.ndarray, weight: float = 1.0) -> tuple[float, float]:
    """Return (p, Cramér's V without its bias) of two columns of codes from 0.

    Args:
        weight: how many independent rows one row counts for; below 1 where rows come in blocks.
    """
    from scipy.special import chdtrc  # scipy.stats would take 1.2 s to import

    counts = np.zeros((int(one.max()) + 1, int(two.max()) + 1))
    np.add.at(counts, (one, two), 1.0)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    rows, columns = counts.shape
    if min(rows, columns) < 2:
        return 1.0, 0.0
    n = counts.sum()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / n
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = (rows - 1) * (columns - 1)
    excess = max(0.0, statistic / n - freedom / (n - 1))  # Bergsma 2013
    v = math.sqrt(excess / min(rows - 1, columns - 1))
    return float(chdtrc(freedom, statistic * weight)), min(1.0, v)


def design(roles: Roles | None, rows: np.ndarray) -> float:
    """Return how many independent rows one row counts for: blocks / rows."""
    return 1.0 if roles is None else len(np.unique(roles.blocks[rows])) / max(1, len(rows))


def timelike(values: np.ndarray, period: np.ndarray) -> bool:
    """Return whether a column is itself a way to tell the time: a counter, a year, a month, a version.

    Args:
        values: (n,) float64 in the order of time, NaN where missing.
        period: (n,) fine period numbers.

    Formula: the periods explain more than 90 % of the variance of its ranks.
    """
    known = ~np.isnan(values)
    if known.sum() < 30:
        return False
    ranks = np.unique(values[known], return_inverse=True)[1].astype(np.float64)
    return explained(period[known], ranks[:, None]) > 0.9


def numbers_of(values: pl.Series) -> np.ndarray:
    """Return a typed column as float64 with NaN: categories as codes by name, dates as microseconds."""
    if values.dtype == pl.String:
        return (values.rank("dense").cast(pl.Float64) - 1).to_numpy()
    if values.dtype.is_temporal():
        return values.to_physical().cast(pl.Float64).to_numpy()
    return values.cast(pl.Float64).to_numpy()


def looked_at(table: Table) -> list[Column]:
    """Return the columns that could break or drift: the features but the time itself."""
    return [column for column in table.features if column.role != "time"]


def kullback(rate: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return the Kullback-Leibler divergence of two Bernoulli rates; usual is clipped away from 0 and 1."""
    usual = np.clip(usual, 1e-9, 1 - 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(rate > 0, rate * np.log(rate / usual), 0.0)
        two = np.where(rate < 1, (1 - rate) * np.log((1 - rate) / (1 - usual)), 0.0)
    return np.asarray(one + two)


def sampled(n_rows: int, most: int = MOST_ROWS) -> np.ndarray:
    """Return row indices, at most `most` of them, evenly over the table."""
    return np.arange(n_rows) if n_rows <= most else np.linspace(0, n_rows - 1, most).astype(np.int64)


def joined(texts: Sequence[str], limit: int = 3) -> str:
    """Return the first few texts, and how many more there are."""
    more = f"; and {len(texts) - limit} more" if len(texts) > limit else ""
    return "; ".join(texts[:limit]) + more


def binned(values: np.ndarray, most: int = 10) -> np.ndarray:
    """Return (n,) int64 codes of float64 values: 0 is missing, then quantile bins, or the most frequent values if few.

    Examples:
        >>> binned(np.array([1.0, 1.0, 2.0, np.nan])).tolist()
        [1, 1, 2, 0]
    """
    known = ~np.isnan(values)
    codes = np.zeros(len(values), np.int64)
    if not known.any():
        return codes
    distinct = np.unique(values[known])
    edges = distinct[1:] if len(distinct) <= most else np.unique(np.quantile(values[known], np.arange(1, most) / most))
    codes[known] = 1 + np.searchsorted(edges, values[known], side="right")
    return codes


def stability(one: np.ndarray, two: np.ndarray, k: int) -> float:
    """Return the population stability index of two samples of codes below k, less what chance gives two like samples.

    Sum of (q - p) ln(q / p) with half a row added to every bin; by chance it is about (bins - 1) (1/n + 1/m).

    Examples:
        >>> round(stability(np.repeat([0, 1], 500), np.repeat([0, 1], [900, 100]), 2), 2)
        0.87
    """
    counts = [np.bincount(side, minlength=k).astype(np.float64) for side in (one, two)]
    used = (counts[0] + counts[1]) > 0
    p, q = ((side[used] + 0.5) / (side[used] + 0.5).sum() for side in counts)
    chance = float(used.sum() - 1) * (1 / max(1, len(one)) + 1 / max(1, len(two)))
    return max(0.0, float(((q - p) * np.log(q / p)).sum()) - chance)
