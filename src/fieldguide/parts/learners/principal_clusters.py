"""Clusters along the first principal axis: the simplest answer that looks at the rows.

Knows one number a row: where it lies along the direction in which rows differ most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from fieldguide.core.batch import Encoded
from fieldguide.core.contracts import Effort
from fieldguide.core.settings import setting
from fieldguide.parts.learners._centres import Centred, best_k, clusters_in, load_centred
from fieldguide.parts.learners._points import fit_points


@dataclass(frozen=True)
class PrincipalClusters:
    """k-means on the first principal axis alone: what a search over many columns has to beat.

    Source:
        Ding and He (2004), "K-means clustering via principal component analysis".
    """

    name: ClassVar[str] = "principal_clusters"
    kind: ClassVar[Literal["simple"]] = "simple"
    targetless: ClassVar[bool] = True
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"media": "points"}

    k: int = setting(0, "clusters [count]; 0: 2 to 12, by the silhouette along the axis", capacity=1)
    exactly: int = setting(0, "clusters the study asks for [count], whatever k is; 0: k")

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Centred:
        """Find the axis and the centres along it; `stop` is not used."""
        points, rows = fit_points("pca", train, effort, n_axes=1)
        k, whole = self.exactly or self.k, True
        if not k:
            k, _, whole = best_k(rows, effort)
        centres, _, spread = clusters_in(rows, k, effort, train.weights, n_starts=4)
        words = f"{len(centres)} clusters along the first principal axis"
        return Centred(points, centres, spread, words, stopped="" if whole else "clock")

    def load(self, folder: Path, data: Mapping[str, Any]) -> Centred:
        return load_centred(folder, data)
