"""Centres: clusters as one point each, and what a fitted learner that has them answers.

Knows that a row belongs to the nearest centre, and how much it leans towards the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.seeds import generator
from fieldguide.core.statistics.structure import silhouettes, squared_distances
from fieldguide.parts.learners._points import Points, read, write

MOST_K = 12
THREADS_FROM = 20_000
"""Rows from which several threads are faster than one: of fewer, threads wait for each other."""
SAMPLE = 1_000
"""Training rows on which the number of clusters is chosen, where none is asked for."""


@dataclass(frozen=True)
class Centred:
    """Clusters by their centres, the largest first.

    Memberships are those of a mixture of round heaps of one width, `spread`: the nearest centre has the most.

    Shape:
        centres: (k, c) float64
    """

    points: Points
    centres: np.ndarray
    spread: float
    words: str = ""
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return memberships. Shape: ((rows, k) float64,)."""
        rows = self.points.of(batch)
        if not len(rows):
            return (np.empty((0, len(self.centres))),)
        gaps = (
            ((rows[:, None, :] - self.centres) ** 2).sum(axis=2)
            if rows.size * len(self.centres) < 4e6
            else squared_distances(rows, self.centres)
        )
        likely = np.exp(-(gaps - gaps.min(axis=1, keepdims=True)) / (2 * max(self.spread, 1e-12)))
        return (likely / likely.sum(axis=1, keepdims=True),)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write centres and the way to them."""
        write(folder, {**self.points.arrays(), "centres": self.centres})
        hurried = {"stopped": self.stopped} if self.stopped else {}
        return {"features": self.points.features, "spread": self.spread, "words": self.words, **hurried}


def load_centred(folder: Path, data: Any) -> Centred:
    """Return what `Centred.save` wrote."""
    arrays = read(folder, "the clusters", "centres")
    points, stopped = Points.from_arrays(data["features"], arrays), data.get("stopped", "")
    return Centred(points, arrays["centres"], float(data["spread"]), data["words"], stopped=stopped)


def clusters_in(
    rows: np.ndarray, k: int, effort: Effort, weights: np.ndarray | None = None, n_starts: int = 10
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the centres of k clusters (the largest first), the cluster of each row, and the mean squared distance per axis.

    Lloyd's algorithm from the best of several k-means++ starts, by scikit-learn.

    Shape:
        rows: (n, c); returns: (k, c), (n,), a number

    Source:
        Lloyd (1982); Arthur and Vassilvitskii (2007), "k-means++: the advantages of careful seeding".
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    distinct = len(np.unique(rows, axis=0)) if len(rows) <= 5_000 else len(rows)
    k = max(1, min(k, distinct))
    with threadpool_limits(max(1, effort.threads) if len(rows) >= THREADS_FROM else 1):
        found = KMeans(k, n_init=n_starts, random_state=effort.seed % 2**31).fit(rows, sample_weight=weights)
    sizes = np.bincount(found.labels_, weights, minlength=k)
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(k, np.int64)
    place[order] = np.arange(k)
    return (
        found.cluster_centers_[order].astype(np.float64),
        place[found.labels_],
        float(found.inertia_)
        / max(1.0, float(len(rows) if weights is None else weights.sum()))
        / max(1, rows.shape[1]),
    )


def best_k(rows: np.ndarray, effort: Effort, most: int = MOST_K) -> tuple[int, dict[int, float], bool]:
    """Return the number of clusters with the highest mean silhouette on a sample of the rows, all that were tried, and whether the
    clock let all be tried.

    Shape:
        rows: (n, c)
    """
    chosen = generator(effort.seed, "best k").permutation(len(rows))[:SAMPLE]
    sample = rows[np.sort(chosen)]
    tried: dict[int, float] = {}
    for k in range(2, max(2, min(most, len(sample) // 4)) + 1):
        if k >= len(sample):
            break
        if tried and effort.clock.over:
            return max(tried, key=tried.__getitem__), tried, False
        _, labels, _ = clusters_in(sample, k, effort, n_starts=3)
        tried[k] = float(silhouettes(sample, labels).mean())
    return max(tried, key=tried.__getitem__, default=1), tried, True
