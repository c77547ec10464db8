"""Rows: what a fit and an evaluation are given. Cells by column, coded truths by output, weights; cells of many rows stay on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Modality
from fieldguide.core.files.stored import Stored
from fieldguide.core.problem import Output
from fieldguide.core.table import Column, Table


class Kept(Mapping[str, np.ndarray]):
    """Cells of rows on disk: a column is read whenever it is asked for, and nothing of it stays.

    Args:
        frame: the typed rows.
        readers: what makes cells of a column's typed values.
    """

    def __init__(self, frame: Stored, readers: Mapping[str, Callable[[pl.Series], np.ndarray]]) -> None:
        self._frame, self._readers = frame, readers

    def __getitem__(self, name: str) -> np.ndarray:
        return self._readers[name](self._frame[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    @property
    def folder(self) -> Path:
        """Where what is made of the rows may be kept."""
        return self._frame.folder

    def some(self, names: Iterable[str]) -> Kept:
        """Return the cells of some columns."""
        return Kept(self._frame, {name: self._readers[name] for name in names})

    def take(self, rows: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the cells of some rows: on disk where they are many, else in memory."""
        found: Any = self._frame.select(list(self._readers))[rows]
        if isinstance(found, Stored):
            return Kept(found, self._readers)
        return {name: read(found[name]) for name, read in self._readers.items()}

    def slices(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield the cells of consecutive rows, all columns of a slice at once."""
        for part in self._frame.select(list(self._readers)).slices():
            yield {name: read(part[name]) for name, read in self._readers.items()}


@dataclass(frozen=True)
class Rows:
    """Typed cells of the columns that reach a model, with the truth where it is known.

    Shape:
        cells[name]: (rows,) float64 with NaN, or object with None
        truths[i]: (rows,) int64 codes or float64 values of output i, on the original scale
        weights: (rows,) float64, what rows count in a fit, or None
        score_weights: (rows,) float64, what they count in scores, or None; see `population.weigh`
        blocks: (rows,) int64, alike for rows that belong together, or None; see `Roles`
    """

    columns: tuple[Column, ...]
    cells: Mapping[str, np.ndarray]
    truths: tuple[np.ndarray, ...] = ()
    weights: np.ndarray | None = None
    n_rows: int = 0
    score_weights: np.ndarray | None = None
    blocks: np.ndarray | None = None

    def __len__(self) -> int:
        return self.n_rows

    def cells_of(self, names: Iterable[str]) -> Mapping[str, np.ndarray]:
        """Return the cells of some columns."""
        return self.cells.some(names) if isinstance(self.cells, Kept) else {name: self.cells[name] for name in names}

    def take(self, rows: np.ndarray) -> Rows:
        kept = self.cells
        return Rows(
            self.columns,
            kept.take(rows) if isinstance(kept, Kept) else {name: values[rows] for name, values in kept.items()},
            tuple(truth[rows] for truth in self.truths),
            None if self.weights is None else self.weights[rows],
            len(rows),
            None if self.score_weights is None else self.score_weights[rows],
            None if self.blocks is None else self.blocks[rows],
        )

    @staticmethod
    def of(table: Table, outputs: tuple[Output, ...], modalities: Callable[[str], Modality]) -> Rows:
        """Return the rows of a typed table; outputs may be empty where the truth is not known."""
        readers = {column.name: modalities(column.modality).cells for column in table.features}
        frame: Any = table.frame
        return Rows(
            table.features,
            Kept(frame, readers)
            if isinstance(frame, Stored)
            else {name: read(frame[name]) for name, read in readers.items()},
            tuple(coded(output, frame) for output in outputs),
            table.weights("learn"),
            table.n_rows,
            table.weights("judge"),
        )


def coded(output: Output, frame: Any) -> np.ndarray:
    """Return the coded truth of rows; of rows on disk slice by slice, since texts take many times what codes do."""
    if not isinstance(frame, Stored):
        return output.code(frame[output.name])
    return np.concatenate([output.code(part[output.name]) for part in frame.select([output.name]).slices()])
