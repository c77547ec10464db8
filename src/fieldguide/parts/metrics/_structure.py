"""Metrics without a target: means of what each row says, resampled as it stands.

Remembers the last few rows it was asked of: a bootstrap asks for the same ones again and again. What a row says is each metric's.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np

from fieldguide.core.statistics.structure import intruders, stretched
from fieldguide.parts.metrics._judge import Judge
from fieldguide.parts.metrics._mean import mean_under

KEPT = 8
_seen: OrderedDict[str, np.ndarray] = OrderedDict()


class OfStructure(Judge):
    """A mean over rows of `values`; `parts` are the same with what each row adds to the values of the others.

    Shape:
        values(truth, prediction), parts(truth, prediction): (rows,) float64
    """

    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("structure",)
    best: ClassVar[float] = 1.0
    unweighted: ClassVar[bool] = (
        True  # rows are judged by the rows around them: what they weigh would change every distance
    )

    def values(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def parts(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def each(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return what each row adds to the mean. Shape: truth (rows, d), prediction (rows, width); returns (rows,)."""
        return remembered(repr(self), truth, prediction, lambda: self.parts(truth, prediction))

    def score(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Return the metric; see `core.contracts.Metric`."""
        if weights is None and len(truth):  # the mean is the same, and nobody asks how unsure it is
            return float(self.values(truth, prediction).mean())
        return super().score(truth, prediction, weights)

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the metric under many weightings. Shape: weights (replicates, rows); returns (replicates,)."""
        return mean_under(self.each(truth, prediction), weights)


class OfNeighbours(OfStructure):
    """How little the neighbours of a row in one space are strangers in the other; `spaces` says which is which.

    Predictions hold a row's coordinates on the map first, and what is rebuilt of it behind them.
    """

    tasks: ClassVar[tuple[str, ...]] = ("reduction",)
    worst: ClassVar[float] = 0.0
    n_neighbours: int

    def spaces(self, truth: np.ndarray, placed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (where strangers are told, where neighbours are asked for)."""
        raise NotImplementedError

    def values(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return self._of(truth, prediction, np.arange(len(truth)))

    def parts(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return stretched(self.values(truth, prediction), lambda rows: self._of(truth, prediction, rows))

    def _of(self, truth: np.ndarray, prediction: np.ndarray, rows: np.ndarray) -> np.ndarray:
        told, asked = self.spaces(truth[rows], prediction[rows, : prediction.shape[1] - truth.shape[1]])
        return intruders(told, asked, self.n_neighbours)


def remembered(what: str, truth: np.ndarray, prediction: np.ndarray, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """Return `compute()`, or what it gave for the same rows before. Shape: (rows,) float64."""
    digest = hashlib.blake2b(f"{what} {truth.shape} {prediction.shape}".encode(), digest_size=16)
    for array in (truth, prediction):
        digest.update(np.ascontiguousarray(array, np.float64).tobytes())
    key = digest.hexdigest()
    if key not in _seen:
        while len(_seen) >= KEPT:
            _seen.popitem(last=False)
        _seen[key] = compute()
    _seen.move_to_end(key)
    return _seen[key]


def groups_of(prediction: np.ndarray) -> np.ndarray:
    """Return the cluster with the greatest membership of each row, or -1 where all are 0. Shape: (rows,) int64."""
    if not prediction.shape[1]:
        return np.full(len(prediction), -1, np.int64)
    return np.where(prediction.max(axis=1) > 0, prediction.argmax(axis=1), -1).astype(np.int64)
