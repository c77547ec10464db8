"""Vector regression: several numbers at once, as the corners of a box or the yields of one experiment.

Knows entries and that each is a finite number; transforms and scales are the output's and the learners'.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.contracts import Threshold
from fieldguide.core.errors import DataError, listed
from fieldguide.parts.tasks._labels import refuse_missing


@dataclass(frozen=True)
class Vector:
    """How much, of several things: a float64 per entry, predicted together by one model.

    A target is a column of JSON objects (entries by name), of lists, or of structs.

    Examples:
        >>> box = pl.Series("box", ['{"left": 1.0, "top": 2.0}', '{"left": 3.0, "top": 4.0}'])
        >>> Vector().labels(box, None)
        ('left', 'top')
        >>> Vector().encode(box, ("left", "top")).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """

    name: ClassVar[str] = "vector"
    family: ClassVar[Literal["classes", "sets", "values"]] = "values"
    loss: ClassVar[str] = "squared_error"
    activation: ClassVar[str] = "identity"
    metrics: ClassVar[tuple[str, ...]] = ("arrmse", "rmse_mean", "mae_mean", "r2_mean")

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return the names of the entries, as the first row has them; `positive` has no meaning here.

        Raises:
            DataError: fewer than two entries.
        """
        known = target.drop_nulls()
        first = _cell(known[0]) if len(known) else {}
        names = tuple(first) if isinstance(first, dict) else tuple(map(str, range(len(first))))
        if len(names) < 2:
            raise DataError(
                f"the target {target.name!r} holds {len(names)} {'entry' if len(names) == 1 else 'entries'}",
                rule="a vector has at least two",
                found=f"its first cell is {known[0]!r}" if len(known) else "no row has one",
                do="set task: regression for a single number",
            )
        return names

    def encode(self, target: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
        """Return (rows, n_entries) float64.

        Raises:
            DataError: a vector is missing, has other entries, or an entry is missing, infinite or no number; names row and entry.
        """
        refuse_missing(target)
        coded = np.empty((len(target), len(labels)))
        for row, raw in enumerate(target.to_list()):
            cell = _cell(raw)
            values: Sequence[Any] = (
                [cell.get(name) for name in labels]
                if isinstance(cell, dict)
                else cell
                if len(cell) == len(labels)
                else ()
            )
            if len(values) != len(labels):
                raise DataError(
                    f"the target {target.name!r} has {len(cell)} entries in row {row}",
                    rule=f"every vector has {len(labels)}: {listed(labels)}",
                    found=repr(raw)[:80],
                    do="correct these rows: each has one number for every output",
                )
            for place, value in enumerate(values):
                coded[row, place] = _number(value, target.name, labels[place], row)
        return coded

    def width(self, labels: tuple[str, ...]) -> int:
        """Return the number of entries."""
        return len(labels)

    def decide(self, prediction: np.ndarray, threshold: Threshold) -> np.ndarray:
        """Return the values themselves; a threshold has no meaning here.

        Shape:
            prediction: (rows, n_entries) float64; returns: the same
        """
        return np.asarray(prediction, np.float64)


def _cell(raw: Any) -> dict[str, Any] | list[Any]:
    if isinstance(raw, dict | list):
        return raw
    if isinstance(raw, pl.Series | np.ndarray):
        return list(raw)
    try:
        found = json.loads(raw) if isinstance(raw, str) else [raw]
    except json.JSONDecodeError:
        found = [raw]
    return found if isinstance(found, dict | list) else [found]


def _number(value: Any, target: str, entry: str, row: int) -> float:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or not np.isfinite(number):
        what = (
            "is missing" if value is None or value != value else "is infinite" if number is not None else "is no number"
        )
        raise DataError(
            f"the entry {entry!r} of the target {target!r} {what} in 1 row (row {row})",
            rule="every entry of a vector is a finite number",
            found="an empty entry" if value is None else repr(value),
            do="fill the entry in, or drop the row",
        )
    return float(number)
