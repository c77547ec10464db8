"""Signs that a column was written after the outcome: ties, near-copies, names. Arithmetic shared by FG306 and FG312.

Knows columns, coded truths and counts. No statistic can know when a cell was written: these are the traces it leaves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.problem import Output, Problem
from fieldguide.core.statistics.association import binned, indicators
from fieldguide.core.table import Table
from fieldguide.parts.checks._identities import recoded

FEWEST = 30
PRECISE = 0.9
"""Share of the filled cells' rows that are of one class, from which a column is tied to it."""
COMMON = 0.6
"""A class with more of the rows says little: nearly every group of rows is nearly all of it."""
NEARLY_ALL = 0.95
SAME_ORDER = 0.999

_AFTER = re.compile(
    r"duration|outcome|result|refund|charge_?back|settle|resol|close|cancel|terminat|discharg|death|died|dead|surviv|"
    r"length_?of_?stay|^los$|revenue|paid|payout|recover|return|complet|finish|final|actual|verdict|decision|"
    r"post_?|after|follow_?up|exit|churn|left|arriv|deliver|end_?(date|time)|(date|time)_?end",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Tie:
    """A column whose cells are there, or differ from their usual value, (almost) only in one class.

    Args:
        usual: the value the column has otherwise; None when it is empty otherwise.
        label: the class, in words.
        precision: share of this class among the rows with the other values.
        coverage: share of the class that has them.
        n: rows with the other values.
    """

    usual: str | None
    label: str
    precision: float
    coverage: float
    n: int


def late(name: str) -> bool:
    """Whether a column is named like something that is known at the end.

    Examples:
        >>> late("duration"), late("Length_of_stay"), late("age")
        (True, True, False)
    """
    return _AFTER.search(name) is not None


def tie(values: pl.Series, truth: np.ndarray, output: Output) -> Tie | None:
    """Return how a column's cells are tied to one class, the most covering tie; None where they are not.

    Of values, the classes are the value that at least one row in twenty has, and the others.
    """
    others = _others(values)
    classes = _classes(truth, output)
    found = []
    for usual, other in others:
        n = int(other.sum())
        for label, member in classes:
            both = int((other & member).sum())
            precision, coverage = both / n, both / max(1, int(member.sum()))
            base = float(member.mean())
            if both < FEWEST or precision < PRECISE or (base > COMMON and coverage < 0.9):
                continue
            if _wilson_low(both, n) > (1 + base) / 2 and coverage >= 0.2:
                found.append(Tie(usual, label, precision, coverage, n))
    return max(found, key=lambda t: t.coverage, default=None)


def _others(values: pl.Series) -> list[tuple[str | None, np.ndarray]]:
    """Return (usual value, rows that differ from it), for emptiness and for the most frequent value."""
    filled = values.is_not_null().to_numpy()
    n = len(values)
    found: list[tuple[str | None, np.ndarray]] = []
    if FEWEST <= filled.sum() <= n - FEWEST:
        found.append((None, filled))
    if filled.any():
        top = values.drop_nulls().value_counts(sort=True).row(0)
        usual, count = top
        if 0.1 * n <= count <= n - FEWEST:
            differs = filled & (values != usual).fill_null(False).to_numpy()
            if differs.sum() >= FEWEST:
                found.append((_said(usual), differs))
    return found


def _classes(truth: np.ndarray, output: Output) -> list[tuple[str, np.ndarray]]:
    if output.task.family == "classes":
        return [(f"{output.name!r} is {label!r}", truth == code) for code, label in enumerate(output.labels)]
    values, counts = np.unique(truth, return_counts=True)
    if not 0.05 <= counts.max() / len(truth) <= 0.95:
        return []
    atom = values[counts.argmax()]
    return [
        (f"{output.name!r} is {atom:g}", truth == atom),
        (f"{output.name!r} is not {atom:g}", truth != atom),
    ]


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _wilson_low(hits: int, n: int, z: float = 3.0) -> float:
    rate, w = hits / n, z * z / n
    return (rate + w / 2 - z * math.sqrt(rate * (1 - rate) / n + w / (4 * n))) / (1 + w)


def explained_by_presence(values: pl.Series, truth: np.ndarray, output: Output) -> float:
    """Return the share of the target's variance between rows with and without the cell; 0 where either are few."""
    present = values.is_not_null().to_numpy()
    n, n_present = len(truth), int(present.sum())
    if min(n_present, n - n_present) < FEWEST:
        return 0.0
    goal = indicators(output, truth)
    total = ((goal - goal.mean(axis=0)) ** 2).sum()
    gap = goal[present].mean(axis=0) - goal[~present].mean(axis=0)
    return float((gap**2).sum() * n_present * (n - n_present) / n / total) if total > 0 else 0.0


def never(values: pl.Series, truth: np.ndarray, output: Output) -> float:
    """Return the share of rows in bins (or levels) of the column where the rarest class is as good as never seen.

    Its count is at most a tenth of what its base rate would give, and that is at least five rows.
    """
    if output.task.family != "classes":
        return 0.0
    counts = np.bincount(truth, minlength=len(output.labels))
    rare = int(np.where(counts > 0, counts, counts.max() + 1).argmin())
    event, bins = truth == rare, binned(values)
    sizes, seen = np.bincount(bins), np.bincount(bins, weights=event)
    expected = float(event.mean()) * sizes
    return float(sizes[(expected >= 5) & (seen <= expected / 10)].sum() / len(truth))


def rank_correlation(values: pl.Series, truth: np.ndarray) -> float:
    """Return the correlation of the order of a number's distinct values with that of the target's; 0 where they are few."""
    if not values.dtype.is_numeric():
        return 0.0
    array = values.cast(pl.Float64).to_numpy()
    known = ~np.isnan(array)
    if known.sum() < FEWEST or len(np.unique(array[known])) < FEWEST:
        return 0.0
    one, two = (np.unique(side[known], return_inverse=True)[1].astype(np.float64) for side in (array, truth))
    return float(np.corrcoef(one, two)[0, 1]) if min(one.std(), two.std()) > 0 else 0.0


@dataclass(frozen=True)
class Suspects:
    """The columns of one output that show strong signs, each under the one that says most.

    Args:
        alone: column -> the share of the target it explains alone.
        copies: exact recodings of the target (FG313 names them).
        ties: columns tied to one class by their presence or usual value (FG312).
        near: columns that alone explain nearly all, or have the target's order (FG306): column -> why.
    """

    alone: Mapping[str, float]
    copies: tuple[str, ...]
    ties: Mapping[str, Tie]
    near: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.copies, *self.ties, *self.near)


def suspects(table: Table, output: Output, truth: np.ndarray, strengths: Sequence[Mapping[str, Any]]) -> Suspects:
    """Return the columns that show strong signs of knowing the outcome.

    Args:
        strengths: what each column explains alone, as explore measures it: [{column, explained}].
    """
    alone = {entry["column"]: float(entry["explained"]) for entry in strengths}
    copies, ties, near = [], {}, {}
    for name in sorted(alone, key=lambda name: -alone[name]):
        values = table.frame[name]
        if recoded(values, truth, output) is not None:
            copies.append(name)
            continue
        tied = tie(values, truth, output)
        order = 0.0
        if output.family == "values" and alone[name] > 0.5:
            order = rank_correlation(values, truth)
        if tied is not None:
            ties[name] = tied
        elif abs(order) > SAME_ORDER:
            near[name] = f"{name!r} has the same order as {output.name!r} (rank correlation {order:.4f})"
        elif alone[name] > NEARLY_ALL:
            near[name] = ""
    return Suspects(alone, tuple(copies), ties, near)


def suspected(
    table: Table, problem: Problem, truths: Sequence[np.ndarray], profile: Mapping[str, Any]
) -> Iterator[tuple[Output, np.ndarray, Suspects]]:
    """Yield each output whose associations explore measured, with its coded target and its suspects."""
    for output, truth in zip(problem.outputs, truths):
        strengths = profile["associations"].get(output.name) or []
        if strengths:
            yield output, truth, suspects(table, output, truth, strengths)


def explained_by_lines(values: np.ndarray, truth: np.ndarray, n_bins: int = 20) -> float:
    """Return the share of a value's variance that a line within each quantile bin of a column explains, cross-fitted.

    Shape:
        values: (rows,) float64 with NaN
        truth: (rows,) float64

    Examples:
        >>> x = np.linspace(0.0, 1.0, 200)
        >>> round(explained_by_lines(x, x**2), 3)
        1.0
    """
    known = ~np.isnan(values)
    x, y = values[known].astype(np.float64), truth[known].astype(np.float64)
    if len(x) < 4 * n_bins or y.std() == 0:
        return 0.0
    edges = np.unique(np.quantile(x, np.linspace(0, 1, n_bins + 1)[1:-1]))
    bins = np.searchsorted(edges, x, side="right")
    predicted = np.full(len(y), y.mean())
    half = np.arange(len(x)) % 2
    for code in range(len(edges) + 1):
        for side in (0, 1):
            fit, judge = (bins == code) & (half != side), (bins == code) & (half == side)
            if not fit.any():
                continue
            centre, spread = x[fit].mean(), x[fit].var()
            slope = ((x[fit] - centre) * (y[fit] - y[fit].mean())).mean() / spread if spread > 0 else 0.0
            predicted[judge] = y[fit].mean() + slope * (x[judge] - centre)
    unexplained = ((y - predicted) ** 2).sum() + ((truth[~known] - truth.mean()) ** 2).sum()
    return float(1 - unexplained / ((truth - truth.mean()) ** 2).sum())
