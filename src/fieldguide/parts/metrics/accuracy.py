"""accuracy: the share of right decisions.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows


@dataclass(frozen=True)
class Accuracy(MeanOfRows):
    """Share of rows whose decision is the truth.

    Formula: `mean(decision = truth)`.
    Range: 0 to 1; always saying the commonest label scores its share.
    Unit: share of rows.
    Use: when labels are about equally common and every mistake costs the same.
    Source: standard.

    Examples:
        >>> Accuracy().score(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0]))
        0.75
    """

    name: ClassVar[str] = "accuracy"
    title: ClassVar[str] = "accuracy"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass")
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return (np.asarray(truth) == np.asarray(prediction)).astype(float)
