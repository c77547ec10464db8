"""HDBSCAN: clusters of any shape, as dense heaps parted by sparse rows; what lies between them is in none.

Knows points; keeps the training rows themselves, so it is bounded in rows. How a new row is told where it belongs is stated here:
the method itself only labels the rows it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.figures import percent
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.core.statistics.structure import NOISE, nearest
from fieldguide.parts.learners._points import Points, fit_points, read, write

IN_MEMORY = 10_000
FEWEST = 5
SLACK = 1e-6
"""Relative slack of distances: kept rows are float32."""


@dataclass(frozen=True)
class Hdbscan:
    """Heaps that stay together as the density that is asked for rises; how many there are is found.

    A new row belongs where its nearest training row does, if it is no farther from it than that row's own `min_samples`-th neighbour;
    else it is in none. A training row is 0 from itself: it keeps the label it was given.

    Source:
        Campello, Moulavi, Sander (2013), "Density-based clustering based on hierarchical density estimates".
    """

    name: ClassVar[str] = "hdbscan"
    kind: ClassVar[Literal["simple"]] = "simple"
    targetless: ClassVar[bool] = True
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = IN_MEMORY
    recipe: ClassVar[Mapping[str, Any]] = {"media": "points"}

    smallest: float = setting(
        0.02,
        "the smallest cluster, a share of the training rows; 5 rows at least",
        capacity=-1,
        space=Range(0.005, 0.15, log=True),
    )
    min_samples: int = setting(
        5, "neighbours [rows] that make a row dense", capacity=-1, space=Range(3, 30, log=True, integer=True)
    )
    selection: str = setting(
        "eom", "clusters taken: eom (those that last longest) or leaf (the finest)", space=Choice(("eom", "leaf"))
    )
    features: str = setting(
        "raw", "points: raw (columns as encoded), pca (axes that keep 90 % of the variance) or autoencoder (its code of 8 numbers)",
        space=Choice(("raw", "pca")),
    )  # fmt: skip

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Heaps:
        """Label the training rows; `stop` is not used. Rows have one weight."""
        from sklearn.cluster import HDBSCAN

        points, rows = fit_points(self.features, train, effort)
        rows = rows.astype(np.float32).astype(np.float64)  # as they are kept
        n = len(rows)
        if n <= FEWEST:
            return Heaps(
                points, rows, np.full(n, NOISE), np.zeros(n), np.zeros(n), f"{n} rows are too few for a cluster"
            )
        samples = max(1, min(self.min_samples, n - 1))
        fitted = HDBSCAN(
            min_cluster_size=min(max(FEWEST, round(self.smallest * n)), n), min_samples=samples, cluster_selection_method=self.selection,
            n_jobs=1, copy=True,
        ).fit(rows)  # fmt: skip
        labels = _by_size(fitted.labels_)
        reach = nearest(rows, rows, samples + 1)[1][:, -1]
        n_clusters, share = int(labels.max()) + 1, float(np.mean(labels == NOISE))
        words = f"{n_clusters} clusters; {percent(share, 0)} of the training rows are in none"
        strength = np.where(labels >= 0, np.maximum(fitted.probabilities_, 1e-3), 0.0)
        hurried = points.code is not None and points.code.stopped == "clock"
        return Heaps(points, rows, labels, reach, strength, words, stopped="clock" if hurried else "")

    def load(self, folder: Path, data: Mapping[str, Any]) -> Heaps:
        """Return what `save` wrote.

        Raises:
            ModelError: it is missing or damaged.
        """
        arrays = read(folder, "the clusters", "rows", "labels", "reach", "strength")
        return Heaps(
            Points.from_arrays(data["features"], arrays), arrays["rows"].astype(np.float64), arrays["labels"], arrays["reach"],
            arrays["strength"], data["words"], stopped=data.get("stopped", ""),
        )  # fmt: skip


@dataclass(frozen=True)
class Heaps:
    """Labelled training rows, ready to be compared with.

    Shape:
        rows: (n, c) points; labels: (n,) int64, -1 for none; reach: (n,) distance to the `min_samples`-th neighbour
        strength: (n,) how firmly a row is in its cluster, in [0, 1]
    """

    points: Points
    rows: np.ndarray
    labels: np.ndarray
    reach: np.ndarray
    strength: np.ndarray
    words: str = ""
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return memberships: the strength of the nearest training row in its cluster, or 0 everywhere. Shape: ((rows, k) float64,)."""
        found = np.zeros((len(batch), max(1, int(self.labels.max(initial=NOISE)) + 1)))
        if len(batch) and len(self.rows):
            near, gaps = (part[:, 0] for part in nearest(self.points.of(batch), self.rows, 1))
            size = np.sqrt((self.rows**2).sum(axis=1))
            inside = gaps <= self.reach[near] + SLACK * (1.0 + size[near])
            belongs = np.flatnonzero(inside & (self.labels[near] >= 0))
            found[belongs, self.labels[near[belongs]]] = self.strength[near[belongs]]
        return (found,)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write the rows, their labels and their reach."""
        write(folder, {
            **self.points.arrays(), "rows": self.rows.astype(np.float32), "labels": self.labels, "reach": self.reach, "strength": self.strength,
        })  # fmt: skip
        hurried = {"stopped": self.stopped} if self.stopped else {}
        return {"features": self.points.features, "words": self.words, **hurried}


def _by_size(labels: np.ndarray) -> np.ndarray:
    """Return labels counted from the largest cluster on; -1 stays."""
    kept = labels[labels >= 0]
    sizes = np.bincount(kept) if len(kept) else np.zeros(0, np.int64)
    place = np.empty(len(sizes), np.int64)
    place[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return np.where(labels >= 0, place[np.maximum(labels, 0)] if len(sizes) else NOISE, NOISE).astype(np.int64)
