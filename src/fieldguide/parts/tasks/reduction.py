"""Dimension reduction: a few numbers for each row that keep as much of it as can be kept.

Knows that a prediction is coordinates, and behind them the row as it can be rebuilt from them; which space rows are points of is
`core.space`'s, how they are reduced the learners'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.contracts import Threshold


@dataclass(frozen=True)
class Reduction:
    """Where a row lies on a map of few dimensions: its coordinates, then what can be rebuilt of the row from them alone.

    There is no target. The coded truth is the rows themselves, as points of one space; `labels` are its axes.

    Examples:
        >>> Reduction().words(np.array([[0.5, 1.0, 9.0, 9.0, 9.0]]), ("age", "height", "weight"))
        [[0.5, 1.0]]
    """

    name: ClassVar[str] = "reduction"
    family: ClassVar[Literal["classes", "sets", "values", "structure"]] = "structure"
    needs_target: ClassVar[bool] = False
    loss: ClassVar[str] = ""  # nothing is to be hit
    activation: ClassVar[str] = "identity"
    metrics: ClassVar[tuple[str, ...]] = ("trustworthiness", "continuity", "reconstruction")

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return (): the axes of the space are known once development rows were looked at."""
        return ()

    def encode(self, target: Any, labels: tuple[str, ...]) -> np.ndarray:
        """Return points as they are, (rows, d) float64."""
        return np.asarray(target, np.float64)

    def width(self, labels: tuple[str, ...]) -> int:
        """Return the number of axes of the space; a prediction has its coordinates besides."""
        return max(1, len(labels))

    def decide(self, prediction: np.ndarray, threshold: Threshold = None) -> np.ndarray:
        """Return the prediction itself; a threshold has no meaning here."""
        return np.asarray(prediction, np.float64)

    def words(self, prediction: np.ndarray, labels: tuple[str, ...] = ()) -> list[list[float]]:
        """Return the coordinates of each row."""
        found: list[list[float]] = prediction[:, : prediction.shape[1] - len(labels)].tolist()
        return found

    def told(self, prediction: np.ndarray, labels: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the columns of an answer: `prediction_1`, `prediction_2` and so on."""
        return {f"prediction_{i + 1}": prediction[:, i] for i in range(prediction.shape[1] - len(labels))}

    def score(self, prediction: np.ndarray) -> np.ndarray:
        """Return the first coordinate."""
        first: np.ndarray = prediction[:, 0]
        return first
