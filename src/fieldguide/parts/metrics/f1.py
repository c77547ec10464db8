"""F1: how well positives are found, without too many false alarms.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._confusion import OfConfusion, ratio


@dataclass(frozen=True)
class F1(OfConfusion):
    """Harmonic mean of precision and recall of label 1.

    Formula: `2 TP / (2 TP + FP + FN)`.
    Range: 0 to 1; deciding 1 everywhere scores 2 share / (1 + share).
    Unit: none.
    Use: rare positives, when misses and false alarms matter alike and costs are unknown; NaN without positives.
    Source: van Rijsbergen (1979), Information Retrieval.

    Examples:
        >>> round(F1().score(np.array([0, 1, 1, 1]), np.array([1, 1, 1, 0])), 4)
        0.6667
    """

    name: ClassVar[str] = "f1"
    title: ClassVar[str] = "F1"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("binary",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def read(self, confusion: np.ndarray) -> np.ndarray:
        hits = 2 * confusion[:, 1, 1]
        return ratio(hits, hits + confusion[:, 0, 1] + confusion[:, 1, 0])
