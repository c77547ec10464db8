"""Rows in memory: what a fit and an evaluation are given. Cells by column, coded truths by output, weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from fieldguide.core.contracts import Modality
from fieldguide.core.problem import Output
from fieldguide.core.table import Column, Table


@dataclass(frozen=True)
class Rows:
    """Typed cells of the columns that reach a model, with the truth where it is known.

    Shape:
        cells[name]: (rows,) float64 with NaN, or object with None
        truths[i]: (rows,) int64 codes or float64 values of output i, on the original scale
        weights: (rows,) float64 or None
    """

    columns: tuple[Column, ...]
    cells: Mapping[str, np.ndarray]
    truths: tuple[np.ndarray, ...] = ()
    weights: np.ndarray | None = None
    n_rows: int = 0

    def __len__(self) -> int:
        return self.n_rows

    def take(self, rows: np.ndarray) -> Rows:
        return Rows(
            self.columns,
            {name: values[rows] for name, values in self.cells.items()},
            tuple(truth[rows] for truth in self.truths),
            None if self.weights is None else self.weights[rows],
            len(rows),
        )

    @staticmethod
    def of(table: Table, outputs: tuple[Output, ...], modalities: Callable[[str], Modality]) -> Rows:
        """Return the rows of a typed table; outputs may be empty where the truth is not known."""
        weights = [table.frame[column.name].to_numpy() for column in table.role("weight")]
        return Rows(
            table.features,
            {column.name: modalities(column.modality).cells(table.frame[column.name]) for column in table.features},
            tuple(output.code(table.frame[output.name]) for output in outputs),
            weights[0] if weights else None,
            table.n_rows,
        )
