"""Multilabel classification: any of several labels at once.

Knows label sets and memberships; how probabilities are judged is the metrics' business, where each label's threshold lies
`core.statistics.calibration`'s.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.contracts import Threshold
from fieldguide.core.errors import DataError, listed, nearest
from fieldguide.core.files.sink import SET_SEPARATOR
from fieldguide.parts.tasks._labels import order_of, refuse_missing
from fieldguide.parts.tasks._sets import sets_of


@dataclass(frozen=True)
class Multilabel:
    """Which of several, any number of them: a 0/1 column and a probability per label, each decided at its own threshold.

    A target is a column of lists, a text with `|` between labels, or a JSON list.

    Examples:
        >>> task = Multilabel()
        >>> task.labels(pl.Series(["b|a", "c", "a"]), None)
        ('a', 'b', 'c')
        >>> task.encode(pl.Series(["a|c", ""]), ("a", "b", "c")).tolist()
        [[1, 0, 1], [0, 0, 0]]
        >>> task.decide(np.array([[0.2, 0.6, 0.5]]), (0.1, 0.7, 0.5)).tolist()
        [[1, 0, 1]]
    """

    name: ClassVar[str] = "multilabel"
    family: ClassVar[Literal["classes", "sets", "values"]] = "sets"
    loss: ClassVar[str] = "binary_cross_entropy"
    activation: ClassVar[str] = "sigmoid"
    metrics: ClassVar[tuple[str, ...]] = (
        "f1_micro", "f1_macro", "hamming_loss", "jaccard", "subset_accuracy", "log_loss", "brier",
    )  # fmt: skip

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return every label that stands in a set, numbers by size, else by name; `positive` has no meaning here.

        Raises:
            DataError: fewer than two labels, or a label that holds the mark between labels.
        """
        counts = Counter(label for labels in sets_of(target) for label in labels or ())
        found = tuple(sorted(counts, key=order_of))
        if len(found) < 2:
            raise DataError(
                f"the target {target.name!r} holds {len(found)} {'label' if len(found) == 1 else 'labels'}",
                rule="label sets are made of at least two",
                found=f"{len(target):,} rows" + (f", such as {found[0]!r}" if found else ", none with a label"),
                do="state problem.outputs[].separator where labels stand in one text, or choose another task",
            )
        marked = [label for label in found if SET_SEPARATOR in label]
        if marked:
            raise DataError(
                f"the target {target.name!r} has a label with {SET_SEPARATOR!r} in it: {marked[0]!r}",
                rule=f"in files of text, labels of a set are written with {SET_SEPARATOR!r} between them",
                found=f"{len(marked):,} of {len(found):,} labels, such as {marked[0]!r}",
                do="rename the label",
            )
        return found

    def encode(self, target: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
        """Return (rows, n_labels) int64 memberships, 0 or 1; raises DataError on a missing set or an unknown label."""
        refuse_missing(target)
        places = {label: place for place, label in enumerate(labels)}
        coded = np.zeros((len(target), len(labels)), np.int64)
        unknown: list[tuple[int, str]] = []
        for row, found in enumerate(sets_of(target)):
            for label in found or ():
                if label in places:
                    coded[row, places[label]] = 1
                else:
                    unknown.append((row, label))
        if unknown:
            row, word = unknown[0]
            n_rows = len({row for row, _ in unknown})
            raise DataError(
                f"the target {target.name!r} holds the unknown label {word!r}{nearest(word, labels)} in "
                + (f"1 row (row {row})" if n_rows == 1 else f"{n_rows:,} rows (the first is row {row})"),
                rule=f"every label is one of {listed(map(repr, labels))}",
                found=f"{len(unknown):,} cells hold {listed(sorted({repr(label) for _, label in unknown}), limit=3)}",
                do="correct the label, or start a new study with these labels",
            )
        return coded

    def width(self, labels: tuple[str, ...]) -> int:
        """Return the number of labels."""
        return len(labels)

    def decide(self, prediction: np.ndarray, threshold: Threshold) -> np.ndarray:
        """Return 1 where a label's probability reaches its threshold (default 0.5).

        Shape:
            prediction: (rows, n_labels) float64; threshold: one number or (n_labels,); returns: (rows, n_labels) int64
        """
        cut = 0.5 if threshold is None else np.asarray(threshold, np.float64)
        return (prediction >= cut).astype(np.int64)
