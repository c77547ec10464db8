"""Clustering: which rows belong together, where nobody has said.

Knows that a prediction is a membership in each cluster and that a row may be in none; which space rows are points of is
`core.space`'s, how clusters are found the learners'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.contracts import Threshold
from fieldguide.core.statistics.structure import NOISE

NONE = "none"
"""What is answered for a row that is in no cluster."""


@dataclass(frozen=True)
class Clustering:
    """Which cluster: a membership in [0, 1] for each; a row whose memberships are all 0 is in none.

    There is no target. The coded truth is the rows themselves, as points of one space.

    Examples:
        >>> Clustering().decide(np.array([[0.2, 0.8], [0.0, 0.0]]), None).tolist()
        [1, -1]
        >>> Clustering().words(np.array([[0.2, 0.8], [0.0, 0.0]]))
        ['2', 'none']
    """

    name: ClassVar[str] = "clustering"
    family: ClassVar[Literal["classes", "sets", "values", "structure"]] = "structure"
    needs_target: ClassVar[bool] = False
    loss: ClassVar[str] = ""  # nothing is to be hit
    activation: ClassVar[str] = "identity"
    metrics: ClassVar[tuple[str, ...]] = ("silhouette", "density_silhouette")

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return (): nobody has named the clusters."""
        return ()

    def encode(self, target: Any, labels: tuple[str, ...]) -> np.ndarray:
        """Return points as they are, (rows, d) float64."""
        return np.asarray(target, np.float64)

    def width(self, labels: tuple[str, ...]) -> int:
        """Return the number of axes of the space; how many clusters there are is each candidate's own affair."""
        return max(1, len(labels))

    def decide(self, prediction: np.ndarray, threshold: Threshold = None) -> np.ndarray:
        """Return the cluster of each row, counted from 0, or -1 for none; a threshold has no meaning here.

        Shape:
            prediction: (rows, clusters) float64; returns: (rows,) int64
        """
        if not prediction.shape[1]:
            return np.full(len(prediction), NOISE, np.int64)
        return np.where(prediction.max(axis=1) > 0, prediction.argmax(axis=1), NOISE).astype(np.int64)

    def words(self, prediction: np.ndarray, labels: tuple[str, ...] = ()) -> list[str]:
        """Return the cluster of each row by its number from 1, or "none"."""
        return [NONE if code < 0 else str(code + 1) for code in self.decide(prediction).tolist()]

    def told(self, prediction: np.ndarray, labels: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the columns of an answer: `prediction`, and `membership_<cluster>` of each."""
        shares = {f"membership_{i + 1}": prediction[:, i] for i in range(prediction.shape[1])}
        return {"prediction": pl.Series(self.words(prediction), dtype=pl.String), **shares}

    def score(self, prediction: np.ndarray) -> np.ndarray:
        """Return how surely each row is in its cluster; 0 where it is in none."""
        surest: np.ndarray = prediction.max(axis=1) if prediction.shape[1] else np.zeros(len(prediction))
        return surest
