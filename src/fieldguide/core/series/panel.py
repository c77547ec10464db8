"""The panel: regular series end to end in shared arrays, and the examples that are made of them.

Knows steps, series and origins. An example is a series at an origin: what is known up to the origin is its input, the next
`horizon` steps are its target. How a table becomes a panel is `steps.frame.series`'; how origins are divided is a splitter's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from fieldguide.core.series.frequency import Frequency
from fieldguide.core.series.windows import Windows

SCALES = ("none", "deviation", "seasonal")
HISTORY, KNOWN, OBSERVED = "history", "known", "observed"
"""Columns of examples: the past of the series, what is known beforehand of past and future steps, and what is seen of past ones."""


@dataclass(frozen=True)
class Panel:
    """Series on regular steps.

    Args:
        names: of the series.
        units: (series,) index of what owns a series: its static columns and its known covariates; channels of one table share it.
        known_names: of the columns of `known`.
        scale: (series,) what values are divided by before anything is learned or judged.
        n_calendar: columns of `known`, the last ones, that are the calendar of a step and nothing that a study declares.

    Shape:
        values: (steps,) float64, all series end to end; NaN where a step is missing
        starts: (series + 1,) where each begins
        times: (grid,) int64 microseconds since 1970, the steps of every unit end to end
        grid: (series,) position in `times` of a series' first step
        known: (grid, k) float32, what is known of every step beforehand
        observed: (grid, p) float32, what is seen of a step once it is over

    Examples:
        >>> panel = Panel(("a",), np.arange(6.0), np.array([0, 6]), np.arange(6), np.zeros(1, np.int64))
        >>> origins = panel.origins(window=2, horizon=2)
        >>> origins.at.tolist(), np.asarray(panel.targets(origins, 2)).tolist()
        ([1, 2, 3], [[2.0, 3.0], [3.0, 4.0], [4.0, 5.0]])
    """

    names: tuple[str, ...]
    values: np.ndarray
    starts: np.ndarray
    times: np.ndarray
    grid: np.ndarray
    known: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    known_names: tuple[str, ...] = ()
    units: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    scale: np.ndarray | None = None
    observed: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    n_calendar: int = 0

    def __len__(self) -> int:
        return len(self.names)

    @property
    def lengths(self) -> np.ndarray:
        """(series,) steps of each."""
        return np.diff(self.starts)

    @property
    def filled(self) -> np.ndarray:
        """(steps,) values, a missing step taking the last known value of its series (before the first: the first)."""
        return filled(self.values, self.starts)

    def series(self, number: int) -> np.ndarray:
        """Return the values of one series."""
        return self.values[self.starts[number] : self.starts[number + 1]]

    def times_of(self, number: int) -> np.ndarray:
        """Return the times of one series."""
        return self.times[self.grid[number] : self.grid[number] + self.lengths[number]]

    def origins(self, window: int, horizon: int, stride: int = 1) -> Origins:
        """Return every origin with a whole window before it and a target of `horizon` known steps after it.

        Args:
            stride: steps between origins of one series, counted back from its last one.
        """
        missing = np.concatenate([[0], np.cumsum(np.isnan(self.values))])
        series, at = [], []
        for number, (start, end) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            found = np.arange(end - 1 - horizon, start + window - 2, -stride)[::-1]
            found = found[missing[found + 1 + horizon] == missing[found + 1]]
            series.append(np.full(len(found), number))
            at.append(found)
        return Origins(np.concatenate(series).astype(np.int64), np.concatenate(at).astype(np.int64))

    def ends(self) -> Origins:
        """Return the origins at the end of every series: what comes after them nobody knows."""
        return Origins(np.arange(len(self)), self.starts[1:] - 1)

    def times_at(self, origins: Origins) -> np.ndarray:
        """Return the time of each origin, the last known step: (rows,) int64 microseconds."""
        return self.times[self.known_at(origins)]

    def known_at(self, origins: Origins) -> np.ndarray:
        """Return each origin's position in `times` and `known`."""
        found: np.ndarray = self.grid[origins.series] + origins.at - self.starts[origins.series]
        return found

    def past(self, origins: Origins, window: int) -> Windows:
        """Return what is known at each origin: the last `window` steps, scaled."""
        return Windows(self.filled, origins.at, 1 - window, window, self._scale(origins))

    def targets(self, origins: Origins, horizon: int) -> Windows:
        """Return what comes after each origin, scaled."""
        return Windows(self.values, origins.at, 1, horizon, self._scale(origins))

    def known_around(self, origins: Origins, window: int, horizon: int) -> Windows:
        """Return what is known beforehand of the window and of the steps to come."""
        return Windows(self.known, self.known_at(origins), 1 - window, window + horizon)

    def observed_before(self, origins: Origins, window: int) -> Windows:
        """Return what was seen beside the series, up to each origin and no further."""
        return Windows(self.observed, self.known_at(origins), 1 - window, window)

    def _scale(self, origins: Origins) -> np.ndarray | None:
        return None if self.scale is None else self.scale[origins.series]

    def scaled(self, by: str, season: int, until: int) -> Panel:
        """Return the panel with a scale per series, taken from the steps up to a time and from no later one.

        A series that has fewer than ten steps by then has the median of the others' scales (1 where there is none).

        Args:
            by: "none", "deviation" (standard deviation) or "seasonal" (mean change over a season: what MASE divides by).
            until: microseconds since 1970.

        Source:
            the seasonal scale: Hyndman & Koehler (2006), Another look at measures of forecast accuracy.
        """
        if by == "none":
            return replace(self, scale=None)
        found = np.full(len(self), np.nan)
        for number in range(len(self)):
            values = self.series(number)[self.times_of(number) <= until]
            if np.isfinite(values).sum() >= 10:
                found[number] = scale_of(values, by, season)
        usual = float(np.nanmedian(found)) if np.isfinite(found).any() else 1.0
        found = np.where(np.isfinite(found), found, usual)
        return replace(self, scale=np.where(found > 0, found, 1.0))


@dataclass(frozen=True)
class Origins:
    """Examples: which series, and the position of the last known step in `Panel.values`.

    Shape:
        series, at: (rows,) int64
    """

    series: np.ndarray
    at: np.ndarray

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: np.ndarray) -> Origins:
        return Origins(self.series[rows], self.at[rows])


def scale_of(values: np.ndarray, by: str, season: int) -> float:
    """Return the scale of one series' values, NaN where it cannot be told.

    Examples:
        >>> scale_of(np.array([1.0, 3.0, 2.0, 5.0]), "seasonal", 2), scale_of(np.array([0.0, 2.0]), "deviation", 1)
        (2.0, 1.0)
    """
    if by == "deviation":
        return float(np.nanstd(values))
    lag = season if len(values) > 2 * season else 1
    changes = np.abs(values[lag:] - values[:-lag])
    return float(np.nanmean(changes)) if np.isfinite(changes).any() else float("nan")


def filled(values: np.ndarray, starts: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return values with each missing step at the last known value of its series; before the first known one, at that.

    Examples:
        >>> filled(np.array([np.nan, 1.0, np.nan, 7.0, np.nan]), [0, 3, 5]).tolist()
        [1.0, 1.0, 1.0, 7.0, 7.0]
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    out = values.copy()
    for start, end in pairwise(starts):
        known = np.flatnonzero(~missing[start:end])
        if len(known):
            before = np.searchsorted(known, np.arange(end - start), side="right") - 1
            out[start:end] = values[start + known[np.maximum(before, 0)]]
    return out


@dataclass(frozen=True)
class Examples:
    """A panel with its examples: which origins, how much past, how many steps ahead.

    Args:
        window: steps of the past that an example holds at most; a learner may look at fewer.
        horizon: steps of the future that are asked for.
        season: steps of a season; 1: none.
        frequency: the step.
    """

    panel: Panel
    origins: Origins
    window: int
    horizon: int
    season: int
    frequency: Frequency

    def __len__(self) -> int:
        return len(self.origins)

    def cells(self, rows: np.ndarray) -> dict[str, Windows]:
        """Return the inputs of examples by column: nothing is copied."""
        origins = self.origins.take(rows)
        found = {HISTORY: self.panel.past(origins, self.window)}
        if self.panel.known.shape[1]:
            found[KNOWN] = self.panel.known_around(origins, self.window, self.horizon)
        if self.panel.observed.shape[1]:
            found[OBSERVED] = self.panel.observed_before(origins, self.window)
        return found

    def truth(self, rows: np.ndarray) -> Windows:
        """Return the targets of examples: nothing is copied."""
        return self.panel.targets(self.origins.take(rows), self.horizon)

    @property
    def span(self) -> int:
        """The longest time from an origin to the last step of its target [microseconds]."""
        panel = self.panel
        at = panel.known_at(self.origins)
        return int((panel.times[at + self.horizon] - panel.times[at]).max()) if len(at) else 0

    def scaled(self, by: str, until: int) -> Examples:
        """Return the examples with their series divided by scales of the steps up to a time."""
        return replace(self, panel=self.panel.scaled(by, self.season, until))
