"""ranked probability score: how far from the true level the probability lies.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows


@dataclass(frozen=True)
class RankedProbability(MeanOfRows):
    """Mean squared distance between predicted and true cumulative distribution over ordered levels.

    Formula: `mean(Σ over levels k of (P(level ≤ k) - [truth ≤ k])²)`.
    Range: 0 upwards; a certain prediction scores the number of levels it is off.
    Unit: levels.
    Use: ordered labels; it pays for probability near the truth, and is proper.
    Source: Epstein (1969), A Scoring System for Probability Forecasts of Ranked Categories; Murphy (1971).

    Examples:
        >>> RankedProbability().score(np.array([0, 2]), np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]))
        1.125
    """

    name: ClassVar[str] = "ranked_probability"
    title: ClassVar[str] = "ranked probability score"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "probability"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass")
    tasks: ClassVar[tuple[str, ...]] = ("ordinal",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        levels = np.arange(prediction.shape[1])
        happened = np.asarray(truth).astype(np.int64)[:, None] <= levels
        return np.asarray(((np.cumsum(prediction, axis=1) - happened) ** 2).sum(axis=1))
