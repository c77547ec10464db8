"""Binary classification: two labels, of which one is the event.

Knows labels, codes and the threshold; how probabilities are judged is the metrics' business.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.contracts import Threshold
from fieldguide.core.errors import DataError, listed
from fieldguide.parts.tasks._labels import codes_of, counts_of, few_classes, find_label

EVENTS = ("true", "yes", "y", "t", "positive", "churned", "default", "fraud", "spam", "success", "bad", "malignant")
_MORE = (">", "≥", "over ", "above ", "more ")


@dataclass(frozen=True)
class Binary:
    """Will it happen: codes 0 (negative) and 1 (positive), probabilities of both.

    When nobody says which label is positive, it is the greater of two numbers, else the one that reads like an event
    ("yes", "true", "fraud", ">50K"), else the rarer; the later in name order when both are equally frequent.

    Examples:
        >>> Binary().labels(pl.Series(["no", "yes", "no"]), None)
        ('no', 'yes')
        >>> Binary().encode(pl.Series([1.0, 0.0]), ("0", "1")).tolist()
        [1, 0]
    """

    name: ClassVar[str] = "binary"
    family: ClassVar[Literal["classes", "sets", "values"]] = "classes"
    loss: ClassVar[str] = "binary_cross_entropy"
    activation: ClassVar[str] = "sigmoid"
    metrics: ClassVar[tuple[str, ...]] = (
        "log_loss", "roc_auc", "average_precision", "brier", "accuracy", "balanced_accuracy", "f1", "fbeta",
        "expected_cost",
    )  # fmt: skip

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return (negative, positive).

        Raises:
            DataError: the target has not two labels, or `positive` is none of them.
        """
        counts = counts_of(target)
        found = tuple(counts)
        if len(found) < 2:
            raise few_classes(target, found)
        if len(found) > 2:
            raise DataError(
                f"the target {target.name!r} holds {len(found):,} classes",
                rule="a binary target holds two",
                found=listed(f"{label!r} in {count:,} rows" for label, count in counts.items()),
                do="set task: multiclass, or correct the labels",
            )
        event = _event(counts) if positive is None else find_label(positive, found, target.name)
        return (found[0], found[1]) if event == found[1] else (found[1], found[0])

    def encode(self, target: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
        """Return (rows,) int64 codes; raises DataError on a missing or unknown label."""
        return codes_of(target, labels)

    def width(self, labels: tuple[str, ...]) -> int:
        """Return 2: a probability of each label."""
        return len(labels)

    def decide(self, prediction: np.ndarray, threshold: Threshold) -> np.ndarray:
        """Return 1 where the probability of the positive label reaches the threshold (default 0.5).

        Shape:
            prediction: (rows, 2) float64; returns: (rows,) int64
        """
        return (prediction[:, 1] >= (0.5 if threshold is None else threshold)).astype(np.int64)


def _event(counts: dict[str, int]) -> str:
    first, second = counts
    with contextlib.suppress(ValueError):
        float(first), float(second)
        return second  # counts are in code order: the greater number
    words = [label for word in EVENTS for label in counts if label.lower() == word]
    more = [label for label in counts if label.lower().startswith(_MORE)]
    if words:
        return words[0]
    if len(more) == 1:
        return more[0]
    return first if counts[first] < counts[second] else second
