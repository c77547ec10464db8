"""MAE: how far predictions are off, on average.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows, flat


@dataclass(frozen=True)
class Mae(MeanOfRows):
    """Mean absolute error.

    Formula: `mean(|truth - prediction|)`.
    Range: 0 upwards; the median of the truth is the best constant.
    Unit: the target's.
    Use: when an error twice as large is twice as bad, or a few rows are far off.
    Source: standard.

    Examples:
        >>> Mae().score(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
        1.0
    """

    name: ClassVar[str] = "mae"
    title: ClassVar[str] = "MAE"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return np.abs(flat(truth) - flat(prediction))
