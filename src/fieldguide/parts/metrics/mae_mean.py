"""mean MAE: how far the entries of vectors are off, on average.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._confusion import ratio
from fieldguide.parts.metrics._entries import OfEntries


@dataclass(frozen=True)
class MaeMean(OfEntries):
    """Mean over the entries of a vector of the mean absolute error.

    Formula: `mean over rows and entries of |truth - prediction|`.
    Range: 0 upwards.
    Unit: the entries', which should share one.
    Use: vectors in one unit, when an error twice as large is twice as bad.
    Source: standard.

    Examples:
        >>> MaeMean().score(np.array([[0.0, 0.0], [2.0, 4.0]]), np.array([[1.0, 0.0], [1.0, 4.0]]))
        0.5
    """

    name: ClassVar[str] = "mae_mean"
    title: ClassVar[str] = "mean MAE"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("vector",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def read(self, error: np.ndarray, spread: np.ndarray, absolute: np.ndarray, n: np.ndarray) -> np.ndarray:
        return ratio(absolute, n)
