"""Decay: what the scores of models of different ages, on the same periods, say of ageing.

Knows scores in cells (model trained up to period s, judged on period t) and whole copies of such cells from resampling and
from shuffled time. Which models are fitted on which rows is `steps.recency`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.plain import finite

LEVEL = 0.95


@dataclass(frozen=True)
class Cells:
    """Losses (smaller is better) of models by the period they were trained up to and the period they were judged on.

    Shape:
        loss: (starts, periods), NaN where a model was not judged; model s never saw period `first + s` or later, so that on
            period t its age is t - (first + s) + 1, and 1 is the freshest there can be
        draws: (draws, starts, periods), the same under resampled rows: how much the judged rows matter
        still: (copies, starts, periods), the same analysis with time shuffled: how much it moves where nothing ages
        rows: (periods,) rows judged
    """

    loss: np.ndarray
    draws: np.ndarray
    still: np.ndarray
    rows: np.ndarray
    first: int

    @property
    def oldest(self) -> int:
        """The greatest age at which models were judged beside fresh ones on two periods at least."""
        return max(1, int(self.loss.shape[1] - self.first) - 1)


@dataclass(frozen=True)
class Estimate:
    """A loss that ageing adds, with its interval; positive is worse.

    Args:
        value: in units of the metric.
        interval: (low, high) at 95 %.
        error: standard error.
        p: one-sided p-value of "nothing is added".
    """

    value: float
    interval: tuple[float, float]
    error: float
    p: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "value": finite(self.value), "interval": [finite(end) for end in self.interval], "p": finite(self.p),
        }  # fmt: skip


def added(loss: np.ndarray, rows: np.ndarray, first: int, ages: np.ndarray) -> np.ndarray:
    """Return by how much models of some ages are worse than the freshest one on the same periods, averaged over periods.

    Formula: `D(a) = Σ_t n_t (L(t - a, t) - L(t - 1, t)) / Σ_t n_t`, over the periods t on which both were judged. Because
    both are judged on the same rows, hard periods cancel.

    Shape:
        loss: (..., starts, periods)
        rows: (periods,)
        ages: (ages,), 1 for the freshest
        returns: (..., ages), NaN where no period has both

    Examples:
        >>> added(np.array([[np.nan, 1.0, 2.0], [np.nan, np.nan, 1.5]]), np.array([5, 5, 5]), 1, np.array([1, 2])).tolist()
        [0.0, 0.5]
    """
    n_starts, n_periods = loss.shape[-2:]
    found = []
    for age in ages:
        periods = np.arange(first + age - 1, n_periods)
        starts = periods - first - age + 1
        fresh = periods - first
        both = fresh < n_starts
        gap = loss[..., starts[both], periods[both]] - loss[..., fresh[both], periods[both]]
        weight = np.where(np.isfinite(gap), rows[periods[both]], 0.0)
        total = weight.sum(-1)
        value = (np.where(np.isfinite(gap), gap, 0.0) * weight).sum(-1)
        found.append(np.divide(value, total, out=np.full(np.shape(total), np.nan), where=total > 0))
    return np.stack(found, axis=-1)


def estimated(value: float, draws: np.ndarray, still: np.ndarray) -> Estimate:
    """Return an added loss with its interval.

    Two things move it that are not ageing: which rows it was judged on (the bootstrap over blocks tells), and which rows the
    models happened to be trained on, which no resampling of judged rows shows. The same analysis with time shuffled
    shows both, where nothing can age: its root mean square is the error under that hypothesis. The wider of the two is
    taken, with Student's quantile for as many degrees of freedom as there were shuffles.

    Shape:
        draws: (draws,) under resampled rows
        still: (copies,) with time shuffled
    """
    from scipy.special import stdtr, stdtrit

    draws, still = draws[np.isfinite(draws)], still[np.isfinite(still)]
    by_rows = float(draws.std()) if len(draws) > 1 else math.nan
    by_time = float(np.sqrt(np.mean(still**2))) if len(still) else math.nan
    error = float(np.nanmax([by_rows, by_time])) if math.isfinite(by_rows) or math.isfinite(by_time) else math.nan
    if not math.isfinite(error) or not math.isfinite(value):
        return Estimate(value, (math.nan, math.nan), math.nan, math.nan)
    freedom = max(2, len(still))
    reach = -float(stdtrit(freedom, (1 - LEVEL) / 2)) * error
    p = float(stdtr(freedom, -value / error)) if error > 0 else 0.5
    return Estimate(value, (value - reach, value + reach), error, p)


def curve(cells: Cells) -> list[Estimate]:
    """Return the added loss at ages 1, 2, …; at age 1 it is 0 by definition."""
    ages = np.arange(1, cells.oldest + 1)
    value, draws, still = (_added(cells, part, ages) for part in (cells.loss, cells.draws, cells.still))
    return [estimated(float(value[i]), draws[:, i], still[:, i]) for i in range(len(ages))]


def costs(cells: Cells, every: list[int]) -> list[Estimate]:
    """Return what retraining only every k periods costs against every period: the mean added loss over ages 1 to k."""
    ages = np.arange(1, cells.oldest + 1)
    value, draws, still = (_added(cells, part, ages) for part in (cells.loss, cells.draws, cells.still))
    return [
        estimated(_over(value, k), np.array([_over(d, k) for d in draws]), np.array([_over(d, k) for d in still]))
        for k in every
    ]


def fresh_scores(cells: Cells) -> np.ndarray:
    """Return, per judged period, the loss of the freshest model."""
    starts = np.arange(cells.loss.shape[0])
    return cells.loss[starts, cells.first + starts]


def windows_compared(growing: Cells, sliding: Cells) -> Estimate:
    """Return by how much fresh models of growing windows are worse than those of sliding ones; positive: sliding is better.

    The error is the wider of the bootstrap's and that of the periods' own differences, with as many degrees of freedom as there are
    periods, less one.
    """
    from scipy.special import stdtr, stdtrit

    starts = np.arange(growing.loss.shape[0])
    at = (starts, growing.first + starts)
    gap, rows = growing.loss[at] - sliding.loss[at], growing.rows[at[1]].astype(float)
    known = np.isfinite(gap) & (rows > 0)
    if known.sum() < 2:
        return Estimate(math.nan, (math.nan, math.nan), math.nan, math.nan)
    weight = np.where(known, rows, 0.0) / rows[known].sum()
    value = float(np.nansum(weight * np.where(known, gap, 0.0)))
    moved = growing.draws[:, at[0], at[1]] - sliding.draws[:, at[0], at[1]]
    means = (np.nan_to_num(moved) * weight).sum(1)
    freedom = int(known.sum()) - 1
    between = float(np.sqrt((weight[known] ** 2 * (gap[known] - value) ** 2).sum() * (freedom + 1) / freedom))
    error = max(float(means.std()) if len(means) > 1 else 0.0, between)
    reach = -float(stdtrit(freedom, (1 - LEVEL) / 2)) * error
    p = float(stdtr(freedom, -value / error)) if error > 0 else 0.5
    return Estimate(value, (value - reach, value + reach), error, p)


def _added(cells: Cells, loss: np.ndarray, ages: np.ndarray) -> np.ndarray:
    return added(loss, cells.rows, cells.first, ages)


def _over(values: np.ndarray, k: int) -> float:
    part = values[:k][np.isfinite(values[:k])]
    return float(part.mean()) if len(part) else math.nan


def recommended(found: list[Estimate], success: float) -> int:
    """Return which schedule to take: the least frequent whose cost is not reliably above `success`.

    Args:
        found: costs, the most frequent schedule first; none is taken that is less frequent than one that costs too much.
    """
    too_much = [i for i, cost in enumerate(found) if cost.interval[0] > success]
    return max(0, min(too_much, default=len(found)) - 1)
