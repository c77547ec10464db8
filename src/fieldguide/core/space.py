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

RECIPE = Recipe(max_levels=20, media="points")
"""How columns are encoded where all candidates are judged: frequent levels apart, the others together; media as a few numbers."""

OUTERMOST = 4.0
"""Deviations beyond which a number lies no farther out: 1 of 16,000 normal ones does."""
FAR = 1e300


@dataclass(frozen=True)
class Space:
    """Where encoded rows become points.

    Numbers far out are brought in to where the tail of a normal distribution ends: one cell that lies thirteen deviations out would
    else be a cluster of its own, and the best one by its silhouette.

    Shape:
        centre, scale: (d,) float64; `scale` is 0 where a column does not vary
        low, high: (d,) float64; what lies beyond is brought in to them
    """

    centre: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @staticmethod
    def fit(batch: Batch, weights: np.ndarray | None = None) -> Space:
        """Centre and scale by the rows of a batch.

        Shape:
            weights: (rows,) or None
        """
        wide = dense(batch)
        low, high = _ends(wide, batch.numbers.shape[1])
        wide = np.clip(wide, low, high)
        centre = np.average(wide, axis=0, weights=weights)
        variance = np.average((wide - centre) ** 2, axis=0, weights=weights)
        of = np.unique(np.array(columns_of(batch.layout), object).astype(str), return_inverse=True)[1]
        total = np.bincount(of, variance)[of] if len(of) else variance
        varies = variance > 1e-12
        return Space(centre, np.where(varies, 1.0 / np.sqrt(np.where(varies, total, 1.0)), 0.0), low, high)

    @staticmethod
    def from_arrays(arrays: Mapping[str, Any]) -> Space:
        """Return what `arrays` gave; spaces of before there were ends have none."""
        centre, scale = (np.asarray(arrays[name], np.float64) for name in ("centre", "scale"))
        far = np.full(len(centre), FAR)
        low, high = (np.asarray(arrays.get(name, end), np.float64) for name, end in (("low", -far), ("high", far)))
        return Space(centre, scale, low, high)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"centre": self.centre, "scale": self.scale, "low": self.low, "high": self.high}

    def of(self, batch: Batch) -> np.ndarray:
        """Return encoded rows as points. Shape: (rows, d) float64."""
        points: np.ndarray = (np.clip(dense(batch), self.low, self.high) - self.centre) * self.scale
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
            "transform": self.transform.to_dict(), **{name: values.tolist() for name, values in self.space.arrays().items()},
            "names": list(self.names), "columns": list(self.columns),
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any], modalities: Modalities) -> Reference:
        space = Space.from_arrays(data)
        return Reference(
            Transform.from_dict(data["transform"], modalities), space, tuple(data["names"]), tuple(data["columns"])
        )


def _ends(wide: np.ndarray, n_numbers: int) -> tuple[np.ndarray, np.ndarray]:
    """Return between which ends cells of each axis count: numbers up to some deviations from their median, levels whatever they are.

    The deviation is that of a normal distribution with the same middle 95 %; of an axis that hardly varies, its own.
    """
    low, high = np.full(wide.shape[1], -FAR), np.full(wide.shape[1], FAR)
    if n_numbers and len(wide):
        numbers = wide[:, :n_numbers]
        bottom, middle, top = np.quantile(numbers, (0.025, 0.5, 0.975), axis=0)
        deviation = np.where(top > bottom, (top - bottom) / (2 * 1.959964), numbers.std(axis=0))
        reach = np.where(deviation > 0, OUTERMOST * deviation, FAR)
        low[:n_numbers], high[:n_numbers] = middle - reach, middle + reach
    return low, high


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
