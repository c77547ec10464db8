"""Density silhouette: are clusters, of whatever shape, parted by gaps?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.core.statistics.structure import density_silhouettes
from fieldguide.parts.metrics._structure import groups_of, means, remembered


@dataclass(frozen=True)
class DensitySilhouette:
    """The silhouette with distances along dense paths: two rows are as far apart as the widest step between them must be.

    Clusters of any shape score where a gap parts them from the others; a heap that is cut in two scores 0, and so do clusters that
    run into each other. A row in no cluster, or in one of at most five rows, counts 0. Of more than 2,000 rows each is held against
    a fixed sample of 2,000. Resamples weight what each row adds, to others' silhouettes too.

    Source:
        Fischer and Buhmann (2003), "Path-based clustering"; Campello, Moulavi, Sander (2013), mutual reachability;
        Rousseeuw (1987), silhouettes.

    Examples:
        >>> rows = np.concatenate([np.arange(10.0), 100 + np.arange(10.0)])[:, None]
        >>> apart, cut = np.eye(2)[[0] * 10 + [1] * 10], np.eye(2)[[0] * 5 + [1] * 15]
        >>> DensitySilhouette().score(rows, apart) > 0.9 > 0.3 > DensitySilhouette().score(rows, cut)
        True
    """

    name: ClassVar[str] = "density_silhouette"
    title: ClassVar[str] = "Density silhouette"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("structure",)
    tasks: ClassVar[tuple[str, ...]] = ("clustering",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = -1.0

    def each(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return what each row adds to the mean. Shape: truth (rows, d), prediction (rows, clusters); returns (rows,)."""
        return remembered(
            self.name, truth, prediction, lambda: density_silhouettes(truth, groups_of(prediction), parts=True)
        )

    def score(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Return the metric. Shape: truth (rows, d), prediction (rows, clusters), weights (rows,) or None."""
        if weights is None and len(truth):  # the mean is the same, and nobody asks how unsure it is
            return float(density_silhouettes(truth, groups_of(prediction)).mean())
        return float(
            self.resample(truth, prediction, np.ones((1, len(truth))) if weights is None else weights[None])[0]
        )

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the metric under many weightings. Shape: weights (replicates, rows); returns (replicates,)."""
        return means(self.each(truth, prediction), weights)
