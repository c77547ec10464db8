"""Encoded rows: what transforms give and learners take.

Knows names, shapes and dtypes of the arrays; nothing of columns before encoding or of models after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.ends import look_at_block
from fieldguide.core.files.shelf import taken

MOST_ROWS = 1_000_000
"""Rows that are taken out of arrays on disk into memory; more stay on disk."""
ARRAYS = ("numbers", "codes", "terms")
"""Arrays of a batch that are of many columns; a block has the name of its one."""


@dataclass(frozen=True)
class Spec:
    """What one block of a batch holds: a column that is encoded whole, such as a text or an image.

    Args:
        name: the column.
        kind: the modality.
        shape: of one row, such as (n_tokens,) or (channels, height, width).
        dtype: numpy's name of it.
        size: the number of codes where cells are codes (a vocabulary); 0 where they are values.
        checkpoint: the pretrained encoder whose input this is; empty: none.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    size: int = 0
    checkpoint: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"shape": list(self.shape)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Spec:
        return Spec(**{**data, "shape": tuple(data["shape"])})


@dataclass(frozen=True)
class Layout:
    """What the arrays of a batch hold.

    Args:
        numbers: names of the columns of `arrays["numbers"]`.
        codes: name and cardinality of each column of `arrays["codes"]`; code 0 is missing, 1 is rare or unknown,
            levels start at 2; cardinality counts all of them.
        terms: name of each text column and how many columns of `arrays["terms"]`, a sparse matrix, are its own.
        blocks: one per column that is encoded whole.
        columns: the columns of the table that all of this comes from; empty: not known.
    """

    numbers: tuple[str, ...] = ()
    codes: tuple[tuple[str, int], ...] = ()
    terms: tuple[tuple[str, int], ...] = ()
    blocks: tuple[Spec, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def n_terms(self) -> int:
        """Columns of `arrays["terms"]`; 0: there is none."""
        return sum(n for _, n in self.terms)


@dataclass(frozen=True)
class Block:
    """Cells of one column that become an array only when a batch is made: media are never all in memory at once.

    Args:
        cells: (rows,) what is decoded: paths, texts, positions.
        decode: turns cells into an array (rows, *shape) of the spec's dtype; a cell's array depends on this cell only.
        augment: alters a decoded array by a generator, for training rows; None: there is nothing to alter.
        spec: what the array must be; its head and tail are looked at when it is loaded. None: nothing is known.

    Examples:
        >>> block = Block(np.array(["ab", "c"], object), lambda cells: np.array([[len(c)] for c in cells], np.float32))
        >>> block[np.array([1])].load().tolist()
        [[1.0]]
    """

    cells: np.ndarray
    decode: Callable[[np.ndarray], np.ndarray]
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None
    spec: Spec | None = None

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, rows: np.ndarray | slice) -> Block:
        return Block(self.cells[rows], self.decode, self.augment, self.spec)

    def load(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return the decoded array, augmented when a generator is given.

        Raises:
            DataError: the first or the last row is not as the spec says; names the cell.
        """
        array = self.decode(self.cells)
        array = array if rng is None or self.augment is None else self.augment(array, rng)
        if self.spec is not None:
            look_at_block(array, self.cells, self.spec)
        return array


@dataclass(frozen=True)
class Batch:
    """Arrays whose first axis is rows.

    Args:
        shelf: the folder in whose files the arrays lie, where they are too long for memory; None: they are in memory.

    Shape:
        arrays["numbers"]: (rows, n_numbers) float32, NaN only where the recipe keeps missing values
        arrays["codes"]: (rows, n_codes) int32, each in [0, cardinality)
        arrays["terms"]: (rows, n_terms) float32, a `scipy.sparse.csr_matrix`, where the layout has terms
        arrays[name]: a `Block` of rows, per spec of the layout

    Examples:
        >>> batch = Batch(Layout(numbers=("age",)), {"numbers": np.zeros((3, 1), np.float32), "codes": np.zeros((3, 0), np.int32)})
        >>> len(batch.take(np.array([0, 2])))
        2
    """

    layout: Layout
    arrays: Mapping[str, Any]
    shelf: Path | None = None

    def __len__(self) -> int:
        return len(self.arrays["numbers"])

    @property
    def numbers(self) -> np.ndarray:
        return self.arrays["numbers"]

    @property
    def codes(self) -> np.ndarray:
        return self.arrays["codes"]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, in the layout's order."""
        return tuple(self.arrays[spec.name] for spec in self.layout.blocks)

    def take(self, rows: np.ndarray | slice) -> Batch:
        if self.shelf is not None and isinstance(rows, np.ndarray) and len(rows) > MOST_ROWS:
            shelved = {name: taken(array, rows, self.shelf) for name, array in self.arrays.items()}
            return Batch(self.layout, shelved, self.shelf)
        return Batch(self.layout, {name: array[rows] for name, array in self.arrays.items()})


@dataclass(frozen=True)
class Encoded:
    """A batch with its coded targets, one array per output, and row weights.

    Shape:
        targets[i]: (rows,) int64 class codes, or (rows,) / (rows, d) float64 values, on the scale the learner fits
        weights: (rows,) float64, or None for equal weights
        blocks: (rows,) int64, alike for rows that belong together, such as copies and rows of one group; None: each stands alone
    """

    batch: Batch
    targets: tuple[np.ndarray, ...] = field(default=())
    weights: np.ndarray | None = None
    blocks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.batch)

    def take(self, rows: np.ndarray | slice) -> Encoded:
        weights, blocks = (None if of_row is None else of_row[rows] for of_row in (self.weights, self.blocks))
        return Encoded(self.batch.take(rows), tuple(target[rows] for target in self.targets), weights, blocks)
