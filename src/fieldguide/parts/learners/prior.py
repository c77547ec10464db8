"""The trivial baseline: what one would say of a row without looking at it.

Knows class shares and means of the training target; looks at no column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions


@dataclass(frozen=True)
class Prior:
    """Predict the class shares, or the mean, of the training rows for every row.

    Examples:
        >>> Prior().kind
        'trivial'
    """

    name: ClassVar[str] = "prior"
    kind: ClassVar[Literal["trivial"]] = "trivial"
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {}

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> PriorEstimator:
        """Take the weighted shares or means; `stop` and `effort` are not used."""
        return PriorEstimator(
            tuple(
                class_shares(target, output.width, train.weights)
                if output.task.family == "classes"
                else np.average(target.reshape(len(target), -1), axis=0, weights=train.weights)
                for target, output in zip(train.targets, outputs)
            )
        )

    def load(self, folder: Path, data: Mapping[str, Any]) -> PriorEstimator:
        return PriorEstimator(tuple(np.array(row, np.float64) for row in data["rows"]))


@dataclass(frozen=True)
class PriorEstimator:
    """One row per output, given to everybody."""

    rows: tuple[np.ndarray, ...]
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output.

        Shape:
            returns[i]: (rows, n_labels) float64 probabilities, or (rows, d) float64 values
        """
        return tuple(np.repeat(row[None, :], len(batch), axis=0) for row in self.rows)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        return {"rows": [row.tolist() for row in self.rows]}


def class_shares(codes: np.ndarray, n_labels: int, weights: np.ndarray | None) -> np.ndarray:
    """Return the weighted share of each class.

    Shape:
        codes: (rows,) int64
        returns: (n_labels,) float64, sums to 1

    Examples:
        >>> class_shares(np.array([0, 0, 0, 1]), 2, None)
        array([0.75, 0.25])
    """
    counts = np.bincount(codes, weights, minlength=n_labels).astype(np.float64)
    return counts / counts.sum()
