"""Continuity: does what is near in truth stay near on the map?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.core.settings import setting
from fieldguide.core.statistics.structure import intruders, stretched
from fieldguide.parts.metrics._structure import means, remembered


@dataclass(frozen=True)
class Continuity:
    """A mean over rows of how little their true neighbours became strangers on the map, by rank: 1 where none did.

    Of more than 2,000 rows each is held against a fixed sample of 2,000. Resamples weight what each row adds, stretched by how the mean
    differs when rows come and go.

    Source:
        Venna and Kaski (2001), "Neighborhood preservation in nonlinear projection methods: an experimental study".

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(60, 2))
        >>> Continuity().score(rows, np.concatenate([rows, rows], axis=1))
        1.0
    """

    name: ClassVar[str] = "continuity"
    title: ClassVar[str] = "Continuity"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("structure",)
    tasks: ClassVar[tuple[str, ...]] = ("reduction",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    n_neighbours: int = setting(
        0, "neighbours that are asked for [rows], fewer than half of the rows; 0: 5 % of them, 5 at least"
    )

    def each(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return what each row adds to the mean. Shape: truth (rows, d), prediction (rows, c + d), coordinates first; returns (rows,)."""
        placed = prediction[:, : prediction.shape[1] - truth.shape[1]]

        def measured(rows: np.ndarray) -> np.ndarray:
            return intruders(placed[rows], truth[rows], self.n_neighbours)

        every = np.arange(len(truth))
        return remembered(
            f"{self.name} {self.n_neighbours}", truth, prediction, lambda: stretched(measured(every), measured)
        )

    def score(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Return the metric. Shape: truth (rows, d), prediction (rows, c + d), weights (rows,) or None."""
        if weights is None and len(truth):  # the mean is the same, and nobody asks how unsure it is
            placed = prediction[:, : prediction.shape[1] - truth.shape[1]]
            return float(intruders(placed, truth, self.n_neighbours).mean())
        return float(
            self.resample(truth, prediction, np.ones((1, len(truth))) if weights is None else weights[None])[0]
        )

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the metric under many weightings. Shape: weights (replicates, rows); returns (replicates,)."""
        return means(self.each(truth, prediction), weights)
