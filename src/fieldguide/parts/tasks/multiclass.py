"""Multiclass classification: one of several labels.

Knows labels and codes; how probabilities are judged is the metrics' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.contracts import Threshold
from fieldguide.parts.tasks._labels import codes_of, counts_of, few_classes


@dataclass(frozen=True)
class Multiclass:
    """Which of several: codes in label order (numbers by size, else by name), a probability of each.

    Examples:
        >>> Multiclass().labels(pl.Series(["10", "9", "9"]), None)
        ('9', '10')
        >>> Multiclass().decide(np.array([[0.2, 0.5, 0.3]]), None).tolist()
        [1]
    """

    name: ClassVar[str] = "multiclass"
    family: ClassVar[Literal["classes", "sets", "values"]] = "classes"
    loss: ClassVar[str] = "cross_entropy"
    activation: ClassVar[str] = "softmax"
    metrics: ClassVar[tuple[str, ...]] = ("log_loss", "accuracy", "balanced_accuracy", "f1_macro", "brier")

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return the labels in code order; `positive` has no meaning here. Raises DataError on fewer than two."""
        labels = tuple(counts_of(target))
        if len(labels) < 2:
            raise few_classes(target, labels)
        return labels

    def encode(self, target: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
        """Return (rows,) int64 codes; raises DataError on a missing or unknown label."""
        return codes_of(target, labels)

    def width(self, labels: tuple[str, ...]) -> int:
        """Return the number of labels."""
        return len(labels)

    def decide(self, prediction: np.ndarray, threshold: Threshold) -> np.ndarray:
        """Return the most probable label, the first of equally probable ones; a threshold has no meaning here.

        Shape:
            prediction: (rows, n_labels) float64; returns: (rows,) int64
        """
        return prediction.argmax(axis=1).astype(np.int64)
