"""Jaccard index: how much decided and true label sets overlap.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows


@dataclass(frozen=True)
class Jaccard(MeanOfRows):
    """Mean overlap of decided and true label sets.

    Formula: `mean over rows of |decided ∩ true| / |decided ∪ true|`; 1 where both are empty.
    Range: 0 to 1.
    Unit: share.
    Use: label sets, each row counting the same however many labels it has.
    Source: Godbole & Sarawagi (2004), Discriminative Methods for Multi-labeled Classification, section 4.

    Examples:
        >>> Jaccard().score(np.array([[1, 0], [0, 0]]), np.array([[1, 1], [0, 0]]))
        0.75
    """

    name: ClassVar[str] = "jaccard"
    title: ClassVar[str] = "Jaccard index"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("multilabel",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        both = np.minimum(truth, prediction).sum(axis=1)
        either = np.maximum(truth, prediction).sum(axis=1)
        return np.where(either > 0, both / np.maximum(either, 1), 1.0)
