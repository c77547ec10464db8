"""k-means: clusters around centres.

Knows points; how many clusters, and whether points are raw or learned features, are its settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from fieldguide.core.batch import Encoded
from fieldguide.core.contracts import Effort
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners._centres import Centred, best_k, clusters_in, load_centred
from fieldguide.parts.learners._points import fit_points

MANY = 5_000


@dataclass(frozen=True)
class KMeans:
    """k clusters with the least squared distance of rows to the centre of their own.

    A new row belongs to the nearest centre; every row belongs somewhere.

    Source:
        Lloyd (1982), "Least squares quantization in PCM"; Arthur and Vassilvitskii (2007), k-means++.
    """

    name: ClassVar[str] = "kmeans"
    kind: ClassVar[Literal["simple"]] = "simple"
    targetless: ClassVar[bool] = True
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"media": "points"}

    k: int = setting(
        0, "clusters [count]; 0: 2 to 12, by the silhouette of a sample of the training rows", capacity=1,
        space=Range(2, 20, log=True, integer=True),
    )  # fmt: skip
    exactly: int = setting(0, "clusters the study asks for [count], whatever k is; 0: k")
    features: str = setting(
        "raw", "points: raw (columns as encoded), pca (axes that keep 90 % of the variance) or autoencoder (its code of 8 numbers)",
        space=Choice(("raw", "pca")),
    )  # fmt: skip

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Centred:
        """Find the centres; `stop` is not used."""
        points, rows = fit_points(self.features, train, effort)
        k, tried, whole = self.exactly or self.k, dict[int, float](), True
        if not k:
            k, tried, whole = best_k(rows, effort)
        n_starts, hurried = 10 if len(rows) <= MANY else 4, effort.clock.over
        centres, _, spread = clusters_in(rows, k, effort, train.weights, 1 if hurried else n_starts)
        why = f", the best of {min(tried)} to {max(tried)} by silhouette" if len(tried) > 1 else ""
        why = "; no other number was tried" if len(tried) == 1 else why
        words = f"{len(centres)} clusters{why}"
        return Centred(points, centres, spread, words, stopped="clock" if hurried or not whole else "")

    def load(self, folder: Path, data: Mapping[str, Any]) -> Centred:
        return load_centred(folder, data)
