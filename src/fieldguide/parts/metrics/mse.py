"""MSE: the mean squared error over rows and entries, as forecasts are compared in papers.

Knows the number; the unit is that of what it is handed (scaled values have none).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows
from fieldguide.parts.metrics._steps import errors


@dataclass(frozen=True)
class Mse(MeanOfRows):
    """Mean squared error.

    Formula: `mean((truth - prediction)²)` over rows and, where there are several, entries or steps.
    Range: 0 upwards; the mean of the truth scores its variance.
    Unit: the target's, squared; none where series are divided by their standard deviations.
    Use: to compare forecasts with published ones; for a number in the target's unit choose rmse or mae.
    Source: standard.

    Examples:
        >>> Mse().score(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
        2.0
    """

    name: ClassVar[str] = "mse"
    title: ClassVar[str] = "MSE"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values", "vector")
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return np.asarray((errors(truth, prediction) ** 2).mean(axis=1))
