"""t-SNE: a map on which neighbours stay together, whatever becomes of the rest.

Knows the map of its training rows. The method has no map for new rows: here they are placed among their nearest training rows, and how
much that loses is measured and told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.seeds import generator
from fieldguide.core.settings import Range, setting
from fieldguide.core.space import Space
from fieldguide.core.statistics.structure import intruders, nearest
from fieldguide.parts.learners._points import Points, principal_axes, read, write
from fieldguide.parts.learners._projected import padded

IN_MEMORY = 3_000
FEWEST = 10
NEAR = 5
"""Training rows among which a new row is placed, and from which it is rebuilt."""
FLAT = 3
"""Most numbers a row may be reduced to: the fast form of the method draws maps."""
ROWS_A_SECOND = 150.0
"""Rows that are surely placed in a second of one core; a short clock takes fewer rows."""


@dataclass(frozen=True)
class Tsne:
    """Rows placed so that the chances of being neighbours match those in truth; far distances mean nothing.

    A new row is placed at the mean of its 5 nearest training rows, weighted by 1 / squared distance, and rebuilt as the mean of the 5
    training rows that are nearest on the map. A training row is 0 from itself: it stays where the method put it.

    Source:
        van der Maaten and Hinton (2008), "Visualizing data using t-SNE".
    """

    name: ClassVar[str] = "tsne"
    kind: ClassVar[Literal["simple"]] = "simple"
    targetless: ClassVar[bool] = True
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = IN_MEMORY
    recipe: ClassVar[Mapping[str, Any]] = {"media": "points"}

    components: int = setting(2, "numbers that are kept of each row [count], 3 at most", capacity=1)
    perplexity: float = setting(30.0, "neighbours that a row is held to have [rows]", space=Range(5.0, 60.0, log=True))

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Placed:
        """Place the training rows; `stop` is not used. Rows have one weight."""
        space = Space.fit(train.batch, train.weights)
        able = len(train)
        if np.isfinite(effort.clock.left()):
            able = int(min(able, ROWS_A_SECOND * effort.clock.left()))
        kept = np.sort(generator(effort.seed, "t-sne").permutation(len(train))[: max(able, min(len(train), FEWEST))])
        rows = space.of(train.batch)[kept].astype(np.float32).astype(np.float64)
        start = (rows - rows.mean(axis=0)) @ padded(principal_axes(rows - rows.mean(axis=0))[0], self.components)
        enough = len(rows) > FEWEST and not effort.clock.over and np.ptp(rows, axis=0).max(initial=0.0) > 0
        placed = _mapped(rows, start, self.perplexity, effort) if enough else start
        words = (
            f"t-SNE of {len(rows):,} rows" if enough else "principal components: too few rows, or no time, for t-SNE"
        )
        targets, stopped = np.asarray(train.targets[0])[kept], "clock" if able < len(train) else ""
        found = Placed(Points("raw", space), rows, placed, targets, words, stopped=stopped)
        return found.with_loss(effort.seed) if enough else found

    def load(self, folder: Path, data: Mapping[str, Any]) -> Placed:
        """Return what `save` wrote.

        Raises:
            ModelError: it is missing or damaged.
        """
        arrays = read(folder, "the map", "rows", "placed", "targets")
        rows, placed, targets = (arrays[name].astype(np.float64) for name in ("rows", "placed", "targets"))
        return Placed(Points.from_arrays("raw", arrays), rows, placed, targets, data["words"], None, data["stopped"])


@dataclass(frozen=True)
class Placed:
    """Training rows with their places on the map.

    Shape:
        rows: (n, d) points; placed: (n, c); targets: (n, e)
    """

    points: Points
    rows: np.ndarray
    placed: np.ndarray
    targets: np.ndarray
    words: str = ""
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return places, then what is rebuilt. Shape: ((rows, c + e) float64,)."""
        width = self.placed.shape[1]
        if not len(batch):
            return (np.empty((0, width + self.targets.shape[1])),)
        placed = _among(self.points.of(batch), self.rows, self.placed)
        near = nearest(placed, self.placed, NEAR)[0]
        return (np.concatenate([placed, self.targets[near].mean(axis=1)], axis=1),)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write the rows and their places."""
        kept = {"rows": self.rows.astype(np.float32), "placed": self.placed, "targets": self.targets.astype(np.float32)}
        write(folder, {**self.points.arrays(), **kept})
        return {"words": self.words, "stopped": self.stopped}

    def with_loss(self, seed: int) -> Placed:
        """Return the same with words that say what placing new rows among their neighbours loses, measured on a tenth of the rows."""
        held = generator(seed, "t-sne held").permutation(len(self.rows))[: max(1, len(self.rows) // 10)]
        rest = np.setdiff1d(np.arange(len(self.rows)), held)
        moved = self.placed.copy()
        moved[held] = _among(self.rows[held], self.rows[rest], self.placed[rest])
        own, imitated = (float(intruders(self.rows, places, 10)[held].mean()) for places in (self.placed, moved))
        words = f"{self.words}; new rows are placed among their {NEAR} nearest: trustworthiness {imitated:.3f} where the method itself has {own:.3f}"
        return replace(self, words=words)


def _mapped(rows: np.ndarray, start: np.ndarray, perplexity: float, effort: Effort) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    spread = float(start[:, 0].std())
    with threadpool_limits(max(1, effort.threads)):
        method = TSNE(
            start.shape[1], perplexity=min(perplexity, (len(rows) - 1) / 3), init=1e-4 * start / (spread or 1.0),
            random_state=effort.seed % 2**31, method="barnes_hut" if start.shape[1] <= FLAT else "exact", n_jobs=1,
        )  # fmt: skip
        return np.asarray(method.fit_transform(rows.astype(np.float32)), np.float64)


def _among(points: np.ndarray, rows: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Return places of new points: the mean of their nearest rows' places, weighted by 1 / squared distance."""
    near, gaps = nearest(points, rows, NEAR)
    least = 1e-6 * (1.0 + np.sqrt((rows[near[:, 0]] ** 2).sum(axis=1)))[:, None]
    weights = 1.0 / (gaps**2 + least**2)
    found: np.ndarray = (weights[:, :, None] * placed[near]).sum(axis=1) / weights.sum(axis=1)[:, None]
    return found
