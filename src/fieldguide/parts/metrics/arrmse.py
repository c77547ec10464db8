"""aRRMSE: how far the entries of vectors are off, beside their mean.

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
class Arrmse(OfEntries):
    """Average relative root mean squared error over the entries of a vector.

    Formula: `mean over entries of sqrt(Σ (truth - prediction)² / Σ (truth - mean of the truth)²)`, the mean that of the rows
    judged.
    Range: 0 upwards; the mean as prediction scores 1. An entry that is the same in all rows is left out.
    Unit: none: entries of different units count the same.
    Use: vectors whose entries have different units or spreads.
    Source: Spyromitros-Xioufis et al. (2016), Multi-target regression via input space expansion, section 5 (there with the
    mean of the training rows).

    Examples:
        >>> Arrmse().score(np.array([[0.0, 0.0], [2.0, 4.0]]), np.array([[1.0, 0.0], [1.0, 4.0]]))
        0.5
    """

    name: ClassVar[str] = "arrmse"
    title: ClassVar[str] = "aRRMSE"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("vector",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def read(self, error: np.ndarray, spread: np.ndarray, absolute: np.ndarray, n: np.ndarray) -> np.ndarray:
        return np.sqrt(ratio(error, spread))
