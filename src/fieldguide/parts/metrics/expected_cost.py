"""expected cost: what the decisions cost per row.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows


@dataclass(frozen=True)
class ExpectedCost(MeanOfRows):
    """Mean cost of the mistakes, right decisions costing nothing.

    Formula: `mean(false_positive × [decided 1, was 0] + false_negative × [decided 0, was 1])`.
    Range: 0 to the dearer of the two mistakes.
    Unit: the unit of the costs, per row.
    Use: when decisions are taken and the costs of both mistakes are known; it decides the threshold too.
    Source: Elkan (2001), The Foundations of Cost-Sensitive Learning.

    Args:
        false_positive: cost of deciding 1 where the truth is 0.
        false_negative: cost of deciding 0 where the truth is 1.

    Examples:
        >>> ExpectedCost(false_positive=1, false_negative=5).score(np.array([0, 1, 1, 1]), np.array([1, 1, 1, 0]))
        1.5
    """

    name: ClassVar[str] = "expected_cost"
    title: ClassVar[str] = "expected cost"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("binary",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    false_positive: float = 1.0
    false_negative: float = 1.0

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        truth, decision = np.asarray(truth), np.asarray(prediction)
        return self.false_positive * ((decision == 1) & (truth == 0)) + self.false_negative * (
            (decision == 0) & (truth == 1)
        )
