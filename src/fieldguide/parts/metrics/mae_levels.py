"""MAE in levels: how many levels decisions are off, on average.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows


@dataclass(frozen=True)
class MaeLevels(MeanOfRows):
    """Mean distance between decided and true level.

    Formula: `mean(|code of the truth - code of the decision|)`.
    Range: 0 upwards.
    Unit: levels.
    Use: ordered labels, when two levels off is twice as bad as one.
    Source: standard.

    Examples:
        >>> MaeLevels().score(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0]))
        0.5
    """

    name: ClassVar[str] = "mae_levels"
    title: ClassVar[str] = "MAE in levels"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass")
    tasks: ClassVar[tuple[str, ...]] = ("ordinal",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return np.abs(np.asarray(truth, np.float64) - np.asarray(prediction, np.float64))
