"""macro F1: F1 of every label, averaged.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._confusion import OfConfusion, mean_of_defined, ratio
from fieldguide.parts.metrics._mean import sums_under


@dataclass(frozen=True)
class F1Macro(OfConfusion):
    """Mean of the F1 of every label that occurs or is decided.

    Formula: `mean over labels of 2 TP / (2 TP + FP + FN)`.
    Range: 0 to 1.
    Unit: none.
    Use: several labels, or label sets, rare ones as important as common ones, and false alarms matter.
    Source: Opitz & Burst (2019), Macro F1 and Macro F1 (the mean of F1s, not the F1 of means).

    Examples:
        >>> round(F1Macro().score(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 1])), 4)
        0.7778
    """

    name: ClassVar[str] = "f1_macro"
    title: ClassVar[str] = "macro F1"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the metric under many weightings; label sets come as (rows, labels) of 0 and 1."""
        if np.ndim(truth) == 1:
            return super().resample(truth, prediction, weights)
        columns = np.concatenate([2.0 * truth * prediction, 1.0 * truth + prediction], axis=1)
        hits, either = np.split(sums_under(columns, weights), 2, axis=1)
        return mean_of_defined(ratio(hits, either))

    def read(self, confusion: np.ndarray) -> np.ndarray:
        hits = 2 * np.diagonal(confusion, axis1=1, axis2=2)
        each = ratio(hits, confusion.sum(1) + confusion.sum(2))
        return np.where((confusion.sum(2) > 0).sum(1) > 1, mean_of_defined(each), np.nan)
