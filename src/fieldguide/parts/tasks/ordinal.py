"""Ordinal classification: one of several labels that stand in an order.

Knows labels, codes and that a decision two levels off is worse than one level off; the distance between levels is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.contracts import Threshold
from fieldguide.core.errors import DataError
from fieldguide.parts.tasks._labels import codes_of, counts_of, few_classes


@dataclass(frozen=True)
class Ordinal:
    """Which of several in order: codes from the lowest level up, a probability of each, decided at the median.

    Levels that are numbers are ordered by size; words need their order stated: `labels` in study.yaml, the lowest first.

    Source:
        the median minimises the mean distance in levels: standard. McCullagh, "Regression Models for Ordinal Data",
        JRSS B 42(2), 1980.

    Examples:
        >>> Ordinal().labels(pl.Series([10, 9, 9, 8]), None)
        ('8', '9', '10')
        >>> Ordinal().decide(np.array([[0.4, 0.2, 0.4]]), None).tolist()
        [1]
    """

    name: ClassVar[str] = "ordinal"
    family: ClassVar[Literal["classes", "sets", "values"]] = "classes"
    loss: ClassVar[str] = "ordinal"
    activation: ClassVar[str] = "ordinal"
    metrics: ClassVar[tuple[str, ...]] = (
        "ranked_probability", "quadratic_weighted_kappa", "mae_levels", "accuracy", "log_loss", "balanced_accuracy", "f1_macro", "brier",
    )  # fmt: skip

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return the levels, the lowest first; `positive` has no meaning here.

        Raises:
            DataError: fewer than three levels, or words, whose order nobody can guess.
        """
        labels = tuple(counts_of(target))
        if len(labels) < 2:
            raise few_classes(target, labels)
        if not all(_is_number(label) for label in labels):
            raise DataError(
                f"the order of the labels of {target.name!r} is not known",
                rule="ordered labels are numbers, or study.yaml states their order",
                found=", ".join(map(repr, labels[:6])),
                do="list them, the lowest first: problem.outputs: [{column: "
                f"{target.name}, task: ordinal, labels: [lowest, …, highest]}}]",
            )
        return labels

    def encode(self, target: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
        """Return (rows,) int64 codes, 0 for the lowest; raises DataError on a missing or unknown label."""
        return codes_of(target, labels)

    def width(self, labels: tuple[str, ...]) -> int:
        """Return the number of levels."""
        return len(labels)

    def decide(self, prediction: np.ndarray, threshold: Threshold) -> np.ndarray:
        """Return the median level: the first at which half of the probability is reached.

        Shape:
            prediction: (rows, n_labels) float64; returns: (rows,) int64
        """
        reached = np.cumsum(prediction, axis=1) >= 0.5 - 1e-9
        reached[:, -1:] = True
        return reached.argmax(axis=1).astype(np.int64)


def _is_number(label: str) -> bool:
    try:
        return float(label) == float(label)
    except ValueError:
        return False
