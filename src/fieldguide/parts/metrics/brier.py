"""Brier score: the squared distance of the probabilities from what happened.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows


@dataclass(frozen=True)
class Brier(MeanOfRows):
    """Mean squared difference between probability and outcome.

    Formula: two labels: `mean((p[1] - truth)²)`; more: `mean(sum over labels of (p[label] - [truth = label])²)`;
    label sets: the mean over labels of `mean((p[label] - truth[label])²)`.
    Range: 0 to 1 with two labels, 0 to 2 with more; a coin scores 0.25.
    Unit: squared probability.
    Use: a proper score like log loss that forgives certain mistakes, each costing at most 1 (2).
    Source: Brier (1950), Verification of forecasts expressed in terms of probability.

    Examples:
        >>> round(Brier().score(np.array([1, 0]), np.array([[0.2, 0.8], [0.5, 0.5]])), 4)
        0.145
    """

    name: ClassVar[str] = "brier"
    title: ClassVar[str] = "Brier score"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "probability"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = 2.0

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        truth = np.asarray(truth).astype(np.int64)
        if truth.ndim == 2:  # label sets: the mean over labels
            return np.asarray(((prediction - truth) ** 2).mean(axis=1))
        if prediction.shape[1] == 2:
            return np.asarray((prediction[:, 1] - truth) ** 2)
        happened = prediction[np.arange(len(truth)), truth]
        return np.asarray((prediction**2).sum(1) - 2 * happened + 1.0)
