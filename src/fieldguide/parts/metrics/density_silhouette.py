"""Density silhouette: are clusters, of whatever shape, parted by gaps?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.statistics.structure import density_silhouettes
from fieldguide.parts.metrics._structure import OfStructure, groups_of


@dataclass(frozen=True)
class DensitySilhouette(OfStructure):
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
    title: ClassVar[str] = "density silhouette"
    tasks: ClassVar[tuple[str, ...]] = ("clustering",)
    worst: ClassVar[float] = -1.0

    def values(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return density_silhouettes(truth, groups_of(prediction))

    def parts(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return density_silhouettes(truth, groups_of(prediction), parts=True)
