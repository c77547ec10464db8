"""Means and ratios over units, as one thing: a value with the influence of every unit on it (the delta method).

Knows a numerator and a denominator per unit. A mean per unit is the ratio whose denominators are 1, so that "clicks per user" and
"clicks per impression" are judged by the same lines, and errors are over units even where rows are counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ratio:
    """Σ numerator / Σ denominator over units.

    Args:
        value: the ratio; NaN where the denominators sum to 0.
        variance: of one unit's influence; the squared standard error is variance / n.
        n: units.
        influence: (yᵢ − R dᵢ) / d̄, which sums to 0: what one unit adds to the ratio, times n.

    Shape:
        influence: (units,)
    """

    value: float
    variance: float
    n: int
    influence: np.ndarray

    @property
    def error(self) -> float:
        """Standard error."""
        return math.sqrt(self.variance / self.n) if self.n > 0 else math.nan


def ratio(numerator: np.ndarray, denominator: np.ndarray | None = None) -> Ratio:
    """Return a mean per unit, or a ratio of sums, with the influence of every unit.

    Args:
        numerator: of each unit.
        denominator: of each unit; None: the mean per unit.

    Shape:
        numerator, denominator: (units,)

    Source: Deng, Knoblich, Lu (2018), Applying the Delta Method in Metric Analytics, section 2.

    Examples:
        >>> clicks, views = np.array([1.0, 0.0, 3.0]), np.array([2.0, 1.0, 5.0])
        >>> ratio(clicks, views).value, float(ratio(clicks).value)
        (0.5, 1.3333333333333333)
        >>> round(ratio(clicks).variance, 3), round(float(clicks.var(ddof=1)), 3)
        (2.333, 2.333)
    """
    y = np.asarray(numerator, dtype=float)
    d = np.ones(len(y)) if denominator is None else np.asarray(denominator, dtype=float)
    n, total = len(y), float(d.sum())
    if n == 0 or total <= 0:
        return Ratio(math.nan, math.nan, n, np.full(n, math.nan))
    value = float(y.sum()) / total
    influence = (y - value * d) * (n / total)
    variance = float((influence**2).sum()) / (n - 1) if n > 1 else math.nan
    return Ratio(value, variance, n, influence)
