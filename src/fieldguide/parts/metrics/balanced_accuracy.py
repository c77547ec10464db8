"""balanced accuracy: the share of right decisions, every label counting the same.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._confusion import OfConfusion, mean_of_defined, ratio


@dataclass(frozen=True)
class BalancedAccuracy(OfConfusion):
    """Mean recall over the labels that occur.

    Formula: `mean over labels of share(decision = label where truth = label)`.
    Range: 0 to 1; a constant decision scores 1 / labels.
    Unit: recall.
    Use: when labels are unequally common but equally important; NaN where only one label occurs.
    Source: Brodersen et al. (2010), The Balanced Accuracy and Its Posterior Distribution.

    Examples:
        >>> BalancedAccuracy().score(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]))
        0.5
    """

    name: ClassVar[str] = "balanced_accuracy"
    title: ClassVar[str] = "balanced accuracy"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass")
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def read(self, confusion: np.ndarray) -> np.ndarray:
        occurs = confusion.sum(2)
        recall = ratio(np.diagonal(confusion, axis1=1, axis2=2), occurs)
        return np.where((occurs > 0).sum(1) > 1, mean_of_defined(recall), np.nan)
