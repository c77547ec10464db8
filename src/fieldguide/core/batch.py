"""Encoded rows: what transforms give and learners take.

Knows names, shapes and dtypes of the arrays; nothing of columns before encoding or of models after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Layout:
    """What the arrays of a batch hold.

    Args:
        numbers: names of the columns of `arrays["numbers"]`.
        codes: name and cardinality of each column of `arrays["codes"]`; code 0 is missing, 1 is rare or unknown,
            levels start at 2; cardinality counts all of them.
        blocks: name and shape (without rows) of any further array, such as pixels or tokens.
    """

    numbers: tuple[str, ...] = ()
    codes: tuple[tuple[str, int], ...] = ()
    blocks: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True)
class Batch:
    """Arrays whose first axis is rows.

    Shape:
        arrays["numbers"]: (rows, n_numbers) float32, NaN only where the recipe keeps missing values
        arrays["codes"]: (rows, n_codes) int32, each in [0, cardinality)

    Examples:
        >>> batch = Batch(Layout(numbers=("age",)), {"numbers": np.zeros((3, 1), np.float32), "codes": np.zeros((3, 0), np.int32)})
        >>> len(batch.take(np.array([0, 2])))
        2
    """

    layout: Layout
    arrays: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.arrays["numbers"])

    @property
    def numbers(self) -> np.ndarray:
        return self.arrays["numbers"]

    @property
    def codes(self) -> np.ndarray:
        return self.arrays["codes"]

    def take(self, rows: np.ndarray | slice) -> Batch:
        return Batch(self.layout, {name: array[rows] for name, array in self.arrays.items()})


@dataclass(frozen=True)
class Encoded:
    """A batch with its coded targets, one array per output, and row weights.

    Shape:
        targets[i]: (rows,) int64 class codes, or (rows,) / (rows, d) float64 values, on the scale the learner fits
        weights: (rows,) float64, or None for equal weights
    """

    batch: Batch
    targets: tuple[np.ndarray, ...] = field(default=())
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.batch)

    def take(self, rows: np.ndarray | slice) -> Encoded:
        weights = None if self.weights is None else self.weights[rows]
        return Encoded(self.batch.take(rows), tuple(target[rows] for target in self.targets), weights)
