"""micro F1: F1 of all decisions on all labels together.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._confusion import ratio
from fieldguide.parts.metrics._judge import Judge
from fieldguide.parts.metrics._mean import sums_under


@dataclass(frozen=True)
class F1Micro(Judge):
    """F1 over all cells of a label matrix, rows × labels.

    Formula: `2 TP / (2 TP + FP + FN)`, each summed over rows and labels.
    Range: 0 to 1; nothing where no label occurs and none is decided.
    Unit: none.
    Use: label sets, each label of each row counting the same, so that frequent labels count most.
    Source: Lewis et al. (2004), RCV1, section 6.

    Examples:
        >>> F1Micro().score(np.array([[1, 0], [0, 1]]), np.array([[1, 1], [0, 1]]))
        0.8
    """

    name: ClassVar[str] = "f1_micro"
    title: ClassVar[str] = "micro F1"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("multilabel",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        hits = 2.0 * (truth * prediction).sum(axis=1)
        sums = sums_under(np.column_stack([hits, truth.sum(axis=1) + prediction.sum(axis=1)]), weights)
        return np.asarray(ratio(sums[:, 0], sums[:, 1]))
