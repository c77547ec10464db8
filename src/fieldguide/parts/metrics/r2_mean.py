"""mean R²: the share of the variance of each entry that is explained, averaged.

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
class R2Mean(OfEntries):
    """Mean over the entries of a vector of R².

    Formula: `mean over entries of 1 - Σ (truth - prediction)² / Σ (truth - mean of the truth)²`.
    Range: below 0 (worse than the mean) to 1. An entry that is the same in all rows is left out.
    Unit: share of variance.
    Use: vectors whose entries have different units, told in shares.
    Source: standard (scikit-learn's `uniform_average`).

    Examples:
        >>> R2Mean().score(np.array([[0.0, 0.0], [2.0, 4.0]]), np.array([[1.0, 0.0], [1.0, 4.0]]))
        0.5
    """

    name: ClassVar[str] = "r2_mean"
    title: ClassVar[str] = "mean R²"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("vector",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = -math.inf

    def read(self, error: np.ndarray, spread: np.ndarray, absolute: np.ndarray, n: np.ndarray) -> np.ndarray:
        return 1.0 - ratio(error, spread)
