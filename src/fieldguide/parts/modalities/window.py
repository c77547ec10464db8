"""Windows of a series: what was known of it at an origin, as a list of numbers, the newest last.

Knows lists and positions in shared arrays, and gives a block that becomes numbers when a batch is made. It scales nothing:
learners of forecasts take each window on its own scale, so that a series they never saw is answered in its own unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.batch import Block, Layout, Spec
from fieldguide.core.series.windows import Windows


@dataclass(frozen=True)
class Window:
    """The past of a series, or what is known of its window and its steps to come.

    `Column.read` says how many steps a window has (`length`) and how many numbers a step (`width`, 1 where it is left out).

    Examples:
        >>> import polars as pl
        >>> from fieldguide.core.table import Column
        >>> typed, broken = Window().read(pl.Series([[1.0, None, 3.0], None]), Column("history", "window", read={"length": 2}))
        >>> Window().cells(typed).tolist(), broken.to_list()
        ([[nan, 3.0], [nan, nan]], [False, True])
    """

    name: ClassVar[str] = "window"

    def read(self, raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
        """Return (windows of the column's length as lists, broken): shorter ones are filled in front, longer ones cut there."""
        read = [self.read_value(cell, column) for cell in raw.to_list()]
        typed = pl.Series(raw.name, [value for value, _ in read], dtype=_type(column))
        return typed, pl.Series([broken for _, broken in read], dtype=pl.Boolean)

    def cells(self, typed: pl.Series) -> np.ndarray:
        """Return (rows, length) or (rows, length, width) float64."""
        return np.asarray(typed.to_list(), np.float64)

    def read_value(self, value: Any, column: Any) -> tuple[Any, bool]:
        """Return (the list, broken): no list, an empty one, or a series without a number is broken and becomes missing steps.

        Columns beside a series may be missing altogether: they then stand at their mean.
        """
        length, width = int(column.read["length"]), int(column.read.get("width", 1))
        try:
            array = np.array([] if value is None else value, np.float64)
        except (TypeError, ValueError):
            array = np.array([])
        array = array.reshape(len(array), -1) if array.ndim in (1, 2) and array.size else np.zeros((0, width))
        alone = "width" not in column.read
        broken = not len(array) or array.shape[1] != width or (alone and not np.isfinite(array).any())
        window = np.full((length, width), np.nan)
        if not broken:
            kept = array[-length:]
            window[length - len(kept) :] = np.where(np.isfinite(kept), kept, np.nan)
        return (window[:, 0] if width == 1 and alone else window).tolist(), broken

    def cell(self, value: Any) -> np.ndarray:
        return np.asarray([value], np.float64)

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return how many windows there are and what their numbers span."""
        cells = self.cells(typed)
        known = cells[np.isfinite(cells)]
        ends = (float(known.min()), float(known.max())) if len(known) else (None, None)
        return {"n": len(cells), "length": cells.shape[1] if cells.ndim > 1 else 0, "low": ends[0], "high": ends[1]}

    def fit(self, cells: Mapping[str, Any], recipe: Any) -> WindowEncoder:
        """Take shapes; columns with several numbers a step are scaled by what training windows hold."""
        specs, scaling = [], {}
        for name, values in cells.items():
            shape = tuple(values.shape[1:])
            specs.append(Spec(name, "window", shape))
            if len(shape) > 1:
                scaling[name] = _scaling(_sample(values))
        return WindowEncoder(tuple(specs), scaling)

    def load(self, data: Mapping[str, Any]) -> WindowEncoder:
        return WindowEncoder(tuple(Spec.from_dict(spec) for spec in data["specs"]), dict(data["scaling"]))


@dataclass(frozen=True)
class WindowEncoder:
    """Shapes of windows, and the scaling of those with several numbers a step: a mean and a deviation of each of them.

    A deviation of 0 says that training windows hold one value: the column is 0 whatever comes later, since nothing was learned of it.
    """

    specs: tuple[Spec, ...]
    scaling: Mapping[str, Any]

    def layout(self) -> Layout:
        return Layout(blocks=self.specs)

    def encode(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        """Return a block per column; nothing is copied before it is loaded."""
        return {spec.name: Block(cells[spec.name], _Decode(self.scaling.get(spec.name))) for spec in self.specs}

    def to_dict(self) -> dict[str, Any]:
        return {"specs": [spec.to_dict() for spec in self.specs], "scaling": dict(self.scaling)}


@dataclass(frozen=True)
class _Decode:
    """From cells to float32: missing steps take the value before them, those in front the first that is known.

    A column without a value stands at its mean in training windows; a series without one is 0.
    """

    scaling: Any

    def __call__(self, cells: Any) -> np.ndarray:
        kept: Any = (
            np.float64 if self.scaling is None else np.float32
        )  # what stands beside a series is kept so in the panel
        window = cells.load(kept) if isinstance(cells, Windows) else np.array(cells, kept)
        if self.scaling is not None:  # first, so that 0 is the mean of what stands beside a series
            mean, sd = (np.asarray(one, np.float32) for one in self.scaling)
            window -= mean
            window *= np.divide(np.float32(1), sd, out=np.zeros_like(sd), where=sd > 0)
        missing = np.isnan(window)
        if missing.any():
            gaps = missing.reshape(len(window), -1).any(axis=1)
            window[gaps] = np.stack([_filled(row) for row in window[gaps]])
        return np.asarray(window, np.float32)


def _filled(window: np.ndarray) -> np.ndarray:
    """Return one window without missing steps; one that holds nothing at all is 0."""
    if window.ndim == 2:
        return np.stack([_filled(column) for column in window.T], axis=1)
    known = np.flatnonzero(np.isfinite(window))
    if not len(known):
        return np.zeros_like(window)
    before = np.searchsorted(known, np.arange(len(window)), side="right") - 1
    return np.asarray(window[known[np.maximum(before, 0)]])


def _scaling(windows: np.ndarray) -> list[list[float]]:
    """Return mean and deviation of each column of windows (rows, steps, columns); 0 and 0 where no value is known."""
    known = np.isfinite(windows)
    counts = known.sum(axis=(0, 1))
    mean = np.where(known, windows, 0.0).sum(axis=(0, 1)) / np.maximum(counts, 1)
    apart = np.where(known, windows - mean, 0.0)
    sd = np.sqrt((apart**2).sum(axis=(0, 1)) / np.maximum(counts, 1))
    return [mean.tolist(), np.where(sd > 1e-9 * (1.0 + np.abs(mean)), sd, 0.0).tolist()]


def _sample(values: Any, most: int = 512) -> np.ndarray:
    """Return windows spread evenly over those there are: enough for a mean and a deviation."""
    rows = (
        np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).astype(int))
        if len(values)
        else np.zeros(0, int)
    )
    return np.asarray(values[rows], np.float64)


def _type(column: Any) -> Any:
    length, width = int(column.read["length"]), int(column.read.get("width", 1))
    return pl.Array(pl.Float64, (length, width) if "width" in column.read else (length,))
