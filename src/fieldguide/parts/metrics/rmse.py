"""RMSE: how far predictions are off, large errors counting more.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows, flat


@dataclass(frozen=True)
class Rmse(MeanOfRows):
    """Root mean squared error.

    Formula: `sqrt(mean((truth - prediction)²))`.
    Range: 0 upwards; the mean of the truth is the best constant and scores its standard deviation.
    Unit: the target's.
    Use: when an error twice as large is more than twice as bad, or the mean is what is wanted.
    Source: standard.

    Examples:
        >>> round(Rmse().score(np.array([1.0, 2.0]), np.array([1.0, 4.0])), 4)
        1.4142
    """

    name: ClassVar[str] = "rmse"
    title: ClassVar[str] = "RMSE"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return np.asarray((flat(truth) - flat(prediction)) ** 2)

    def read(self, means: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(means))
