"""Windows: rows that are stretches of one shared array, and nothing is copied until a batch asks for it.

Knows positions and lengths. Which stretch is the past of an example and which its target is `core.series.panel`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Windows:
    """Row i is `source[at[i] + first : at[i] + first + length] / scale[i]`. Indexing gives fewer rows of the same source.

    Args:
        source: (steps,) values, or (steps, k) several side by side.
        at: (rows,) int64 position each row counts from: its origin.
        first: where a row begins, from its origin: `1 - length` for what is known at the origin, 1 for what comes after.
        length: steps of a row.
        scale: (rows,) what values are divided by; None: 1.

    Shape:
        np.asarray(windows): (rows, length) or (rows, length, k) float64

    Examples:
        >>> past = Windows(np.arange(10.0), np.array([3, 5]), first=-1, length=2)
        >>> np.asarray(past).tolist(), past[1:].shape, past.nbytes
        ([[2.0, 3.0], [4.0, 5.0]], (1, 2), 16)
    """

    source: np.ndarray
    at: np.ndarray
    first: int
    length: int
    scale: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, rows: Any) -> Windows:
        return replace(self, at=self.at[rows], scale=None if self.scale is None else self.scale[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.load(np.float64 if dtype is None else dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.at), self.length, *self.source.shape[1:])

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    @property
    def nbytes(self) -> int:
        """What the rows take beside the shared source [bytes]."""
        return self.at.nbytes + (0 if self.scale is None else self.scale.nbytes)

    def last(self, length: int) -> Windows:
        """Return the last steps of every row, all of them where `length` is more than there are."""
        length = min(length, self.length)
        return replace(self, first=self.first + self.length - length, length=length)

    def load(self, dtype: Any = np.float64) -> np.ndarray:
        """Return the rows as an array of their own."""
        if not len(self.at):
            return np.zeros(self.shape, dtype)
        view = np.lib.stride_tricks.sliding_window_view(self.source, self.length, axis=0)
        rows = view[self.at + self.first]
        if rows.ndim == 3:  # the window is the last axis of the view
            rows = rows.transpose(0, 2, 1)
        if self.scale is not None:
            rows = rows / (self.scale[:, None] if rows.ndim == 2 else self.scale[:, None, None])
        return np.ascontiguousarray(rows, dtype)
