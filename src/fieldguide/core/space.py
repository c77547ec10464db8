"""Space: rows as points, so that they can be near and far.

Numbers, codes and frozen features of encoded rows side by side, centred, each column of the table with the same say: the variances
of all that it was encoded to sum to 1. A study without a target has one such space, fitted on development rows, and all candidates
are judged in it; learners that need distances fit one of their own on training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch, Layout
from fieldguide.core.rows import Rows
from fieldguide.core.sources import origins
from fieldguide.core.transform import Modalities, Recipe, Transform

RECIPE = Recipe(max_levels=20, media="features")
"""How columns are encoded where all candidates are judged: frequent levels apart, the others together; media as a few numbers."""


@dataclass(frozen=True)
class Space:
    """Where encoded rows become points.

    Shape:
        centre, scale: (d,) float64; `scale` is 0 where a column does not vary
    """

    centre: np.ndarray
    scale: np.ndarray

    @staticmethod
    def fit(batch: Batch, weights: np.ndarray | None = None) -> Space:
        """Centre and scale by the rows of a batch.

        Shape:
            weights: (rows,) or None
        """
        wide = dense(batch)
        centre = np.average(wide, axis=0, weights=weights)
        variance = np.average((wide - centre) ** 2, axis=0, weights=weights)
        of = np.unique(np.array(columns_of(batch.layout), object).astype(str), return_inverse=True)[1]
        total = np.bincount(of, variance)[of] if len(of) else variance
        varies = variance > 1e-12
        return Space(centre, np.where(varies, 1.0 / np.sqrt(np.where(varies, total, 1.0)), 0.0))

    def of(self, batch: Batch) -> np.ndarray:
        """Return encoded rows as points. Shape: (rows, d) float64."""
        points: np.ndarray = (dense(batch) - self.centre) * self.scale
        return points


@dataclass(frozen=True)
class Reference:
    """The space in which all candidates of a study without a target are judged: fitted on development rows, then frozen.

    Args:
        names: of its axes: a column's name, or the name and what of it.
        columns: the column of the table behind each axis.
    """

    transform: Transform
    space: Space
    names: tuple[str, ...]
    columns: tuple[str, ...]

    @staticmethod
    def fit(rows: Rows, modalities: Modalities) -> Reference:
        transform = Transform.fit(RECIPE, rows, modalities)
        batch = transform.encode(rows.cells, len(rows))
        return Reference(transform, Space.fit(batch, rows.weights), axes(batch.layout), columns_of(batch.layout))

    def points(self, rows: Rows) -> np.ndarray:
        """Return rows as points of the space. Shape: (rows, d) float64."""
        return self.space.of(self.transform.encode(rows.cells, len(rows)))

    def to_dict(self) -> dict[str, Any]:
        return {
            "transform": self.transform.to_dict(), "centre": self.space.centre.tolist(), "scale": self.space.scale.tolist(),
            "names": list(self.names), "columns": list(self.columns),
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any], modalities: Modalities) -> Reference:
        space = Space(np.array(data["centre"], np.float64), np.array(data["scale"], np.float64))
        return Reference(
            Transform.from_dict(data["transform"], modalities), space, tuple(data["names"]), tuple(data["columns"])
        )


def dense(batch: Batch) -> np.ndarray:
    """Return numbers, and a column for each value of each code, side by side; a missing number is 0.

    Shape:
        returns: (rows, n_numbers + sum of cardinalities) float64

    Examples:
        >>> layout = Layout(("age",), (("town", 3),))
        >>> dense(Batch(layout, {"numbers": np.array([[0.5]], np.float32), "codes": np.array([[2]], np.int32)})).tolist()
        [[0.5, 0.0, 0.0, 1.0]]
    """
    numbers = np.nan_to_num(batch.numbers.astype(np.float64), nan=0.0)
    levels = [np.eye(size)[np.clip(batch.codes[:, i], 0, size - 1)] for i, (_, size) in enumerate(batch.layout.codes)]
    return np.concatenate([numbers, *levels], axis=1)


def axes(layout: Layout) -> tuple[str, ...]:
    """Return the names of what `dense` gives.

    Examples:
        >>> axes(Layout(("age",), (("town", 3),)))
        ('age', 'town: missing', 'town: rare', 'town: level 1')
    """
    levels = [
        f"{name}: {'missing' if code == 0 else 'rare' if code == 1 else f'level {code - 1}'}"
        for name, size in layout.codes
        for code in range(size)
    ]
    return (*layout.numbers, *levels)


def columns_of(layout: Layout) -> tuple[str, ...]:
    """Return the column of the table behind each of what `dense` gives; each alone where the layout does not say.

    Examples:
        >>> columns_of(Layout(("age", "age missing"), (("town", 3),), columns=("age", "town")))
        ('age', 'age', 'town', 'town', 'town')
    """
    codes = [name for name, _ in layout.codes]
    numbers = (
        origins(layout.numbers, [name for name in layout.columns if name not in codes])
        if layout.columns
        else layout.numbers
    )
    return (*numbers, *(name for name, size in layout.codes for _ in range(size)))
