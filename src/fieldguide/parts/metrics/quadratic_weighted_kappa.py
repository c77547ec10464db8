"""quadratic weighted kappa: how far decided levels agree with true ones, beyond chance.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._confusion import OfConfusion, ratio


@dataclass(frozen=True)
class QuadraticWeightedKappa(OfConfusion):
    """Agreement of ordered levels beyond chance, mistakes counting by the square of their distance.

    Formula: `1 - Σ (i - j)² observed(i, j) / Σ (i - j)² expected(i, j)`, expected from the margins.
    Range: -1 to 1; 0 is chance, and any constant decision.
    Unit: none.
    Use: grades and ratings, where being far off is much worse than being near; common in contests and in medicine.
    Source: Cohen (1968), Weighted Kappa.

    Examples:
        >>> round(QuadraticWeightedKappa().score(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 1])), 4)
        0.8
    """

    name: ClassVar[str] = "quadratic_weighted_kappa"
    title: ClassVar[str] = "quadratic weighted kappa"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass")
    tasks: ClassVar[tuple[str, ...]] = ("ordinal",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = -1.0

    def read(self, confusion: np.ndarray) -> np.ndarray:
        places = np.arange(confusion.shape[1])
        distance = (places[:, None] - places[None, :]) ** 2
        total = confusion.sum((1, 2))
        expected = (
            confusion.sum(2)[:, :, None] * confusion.sum(1)[:, None, :] / np.maximum(total, 1e-300)[:, None, None]
        )
        return np.asarray(1.0 - ratio((distance * confusion).sum((1, 2)), (distance * expected).sum((1, 2))))
