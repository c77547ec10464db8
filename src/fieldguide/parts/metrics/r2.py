"""R²: the share of the target's variance that is explained.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._judge import Judge
from fieldguide.parts.metrics._mean import flat, sums_under


@dataclass(frozen=True)
class R2(Judge):
    """Coefficient of determination.

    Formula: `1 - sum((truth - prediction)²) / sum((truth - mean(truth))²)`, the mean being that of the judged rows.
    Range: 1 (exact) downwards without end; 0 is the mean, below 0 is worse than the mean.
    Unit: share of variance.
    Use: to read beside RMSE, across targets of different scale; NaN where the truth does not vary.
    Source: standard.

    Examples:
        >>> round(R2().score(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0])), 4)
        0.5
    """

    name: ClassVar[str] = "r2"
    title: ClassVar[str] = "R²"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = -math.inf

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        truth, prediction = flat(truth), flat(prediction)
        centred = truth - truth.mean()  # squares of a target far from zero would cancel
        error, level, square, total = sums_under(
            np.column_stack([(truth - prediction) ** 2, centred, centred**2, np.ones(len(truth))]), weights
        ).T
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = square - level**2 / total
            return np.where(spread > 1e-12 * square, 1.0 - error / spread, np.nan)
