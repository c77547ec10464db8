"""Hamming loss: the share of labels that are decided wrongly.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows


@dataclass(frozen=True)
class HammingLoss(MeanOfRows):
    """Share of the cells of a label matrix, rows × labels, whose decision is wrong.

    Formula: `mean over rows and labels of [decided ≠ true]`.
    Range: 0 to 1; deciding no label at all scores the mean share of labels a row has.
    Unit: share of labels.
    Use: label sets, every wrong label costing the same; with few labels a row it hardly sees missed ones.
    Source: Schapire & Singer (2000), BoosTexter, section 2.

    Examples:
        >>> HammingLoss().score(np.array([[1, 0], [0, 1]]), np.array([[1, 1], [0, 1]]))
        0.25
    """

    name: ClassVar[str] = "hamming_loss"
    title: ClassVar[str] = "Hamming loss"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("multilabel",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = 1.0

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return np.asarray((truth != prediction).mean(axis=1))
