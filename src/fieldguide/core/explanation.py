"""Explanations: what each column adds to one number that a model says of a row, and whether the parts add up.

Knows names, values and the additivity error; how values are found is each explainer's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Explanation:
    """Contributions of columns to one number a row: `base + the row's values = the score`, up to the error.

    Args:
        names: the columns, as the table has them.
        scale: the unit of scores and values in words, such as "log-odds".
        details: per media column, one mapping a row: {"kind": "tokens", "tokens", "values"}, {"kind": "regions", "grid"} or
            {"kind": "steps", "values"}, which add up to the column's value.

    Shape:
        values: (rows, columns) float64
        base: (rows,) float64, the score of the reference
        scores: (rows,) float64, what the model says

    Examples:
        >>> found = Explanation(("age",), np.array([[0.5]]), np.array([1.0]), np.array([1.5]), "log-odds")
        >>> found.error()["largest"]
        0.0
    """

    names: tuple[str, ...]
    values: np.ndarray
    base: np.ndarray
    scores: np.ndarray
    scale: str
    details: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def error(self) -> dict[str, float]:
        """Return the additivity error: the largest and the mean absolute gap between the parts' sum and the score, and the
        mean one as a share of how far scores lie from their bases."""
        gaps = np.abs(self.base + self.values.sum(axis=1) - self.scores)
        reach = float(np.abs(self.scores - self.base).mean()) if len(gaps) else 0.0
        mean = float(gaps.mean()) if len(gaps) else 0.0
        return {
            "largest": float(gaps.max(initial=0.0)), "mean": mean, "share": mean / reach if reach > 0 else 0.0
        }  # fmt: skip

    def importance(self) -> np.ndarray:
        """Return the mean absolute contribution of each column, (columns,)."""
        return np.abs(self.values).mean(axis=0) if len(self.values) else np.zeros(len(self.names))


def summed(values: np.ndarray, places: np.ndarray, n_columns: int) -> np.ndarray:
    """Return the values of encoded columns summed to the columns of the table they come from.

    Shape:
        values: (rows, encoded)
        places: (encoded,) int64, the table's column of each
        returns: (rows, n_columns) float64

    Examples:
        >>> summed(np.array([[1.0, 2.0, 4.0]]), np.array([1, 0, 1]), 2).tolist()
        [[2.0, 5.0]]
    """
    found = np.zeros((len(values), n_columns))
    for encoded, place in enumerate(places.tolist()):
        found[:, place] += values[:, encoded]
    return found
