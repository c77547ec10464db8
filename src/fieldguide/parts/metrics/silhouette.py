"""Silhouette: are rows nearer to their own cluster than to the next?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.statistics.structure import silhouettes
from fieldguide.parts.metrics._structure import OfStructure, groups_of


@dataclass(frozen=True)
class Silhouette(OfStructure):
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
    title: ClassVar[str] = "silhouette"
    tasks: ClassVar[tuple[str, ...]] = ("clustering",)
    worst: ClassVar[float] = -1.0

    def values(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return silhouettes(truth, groups_of(prediction))

    def parts(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return silhouettes(truth, groups_of(prediction), parts=True)
