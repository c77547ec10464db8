"""Silhouette: are rows nearer to their own cluster than to the next?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.core.statistics.structure import silhouettes
from fieldguide.parts.metrics._structure import groups_of, means, remembered


@dataclass(frozen=True)
class Silhouette:
    """The mean over rows of (b - a) / max(a, b): a is the mean distance to the own cluster, b to the nearest other.

    It favours round clusters of like size. A row in no cluster, or alone in one, counts 0. Of more than 2,000 rows each is held
    against a fixed sample of 2,000. Resamples weight what each row adds, to others' silhouettes too.

    Source:
        Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis".

    Examples:
        >>> two = np.eye(2)[[0, 0, 1, 1]]
        >>> round(Silhouette().score(np.array([[0.0], [1.0], [10.0], [11.0]]), two), 2)
        0.9
    """

    name: ClassVar[str] = "silhouette"
    title: ClassVar[str] = "Silhouette"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("structure",)
    tasks: ClassVar[tuple[str, ...]] = ("clustering",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = -1.0

    def each(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return what each row adds to the mean. Shape: truth (rows, d), prediction (rows, clusters); returns (rows,)."""
        return remembered(self.name, truth, prediction, lambda: silhouettes(truth, groups_of(prediction), parts=True))

    def score(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Return the metric. Shape: truth (rows, d), prediction (rows, clusters), weights (rows,) or None."""
        if weights is None and len(truth):  # the mean is the same, and nobody asks how unsure it is
            return float(silhouettes(truth, groups_of(prediction)).mean())
        return float(
            self.resample(truth, prediction, np.ones((1, len(truth))) if weights is None else weights[None])[0]
        )

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the metric under many weightings. Shape: weights (replicates, rows); returns (replicates,)."""
        return means(self.each(truth, prediction), weights)
