"""Reconstruction: how much of a row can be rebuilt from its few numbers?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._judge import Judge
from fieldguide.parts.metrics._mean import sums_under


@dataclass(frozen=True)
class Reconstruction(Judge):
    """The share of the rows' variance about the middle of the development rows that is rebuilt: 1 - squared error / squared size.

    0 is as good as the middle for every row; below 0 is worse.

    Source:
        of principal components, the share of variance explained: Pearson (1901).

    Examples:
        >>> rows = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> kept = np.concatenate([rows[:, :1], rows * [1.0, 0.0]], axis=1)
        >>> Reconstruction().score(rows, kept)
        0.9
    """

    name: ClassVar[str] = "reconstruction"
    title: ClassVar[str] = "share rebuilt"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("structure",)
    tasks: ClassVar[tuple[str, ...]] = ("reduction",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = -math.inf

    def each(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return 1 - each row's squared error over the mean squared size. Shape: (rows, d), (rows, c + d); returns (rows,)."""
        error, size = _squares(truth, prediction)
        mean = size.mean()
        return 1.0 - error / (mean if mean > 0 else 1.0)

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the metric under many weightings. Shape: weights (replicates, rows); returns (replicates,)."""
        totals = sums_under(np.column_stack(_squares(truth, prediction)), weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: np.ndarray = 1.0 - totals[:, 0] / totals[:, 1]
        return found


def _squares(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rebuilt = prediction[:, prediction.shape[1] - truth.shape[1] :]
    return ((truth - rebuilt) ** 2).sum(axis=1), (truth**2).sum(axis=1)
