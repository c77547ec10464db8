"""Scaling of numeric columns, and what stands for a missing value: shared by number, boolean and datetime.

Knows matrices of float64 with NaN and the statistics of training rows; nothing of where the numbers come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from fieldguide.core.batch import Layout
from fieldguide.core.errors import ConfigError

METHODS = ("none", "standard", "robust", "quantile")
# A scaled value is never farther from 0: the square root of a million, which the largest of a million standardised
# training values can just reach.
REACH = 1e3
POINTS = 1000
# Probabilities of 0 and 1 are read as these; the normal quantile of 1e-7 is -5.199.
TAIL = 1e-7
_IQR_OF_NORMAL = 1.3489795003921634  # so that "robust" equals "standard" on normal data
_FLOAT32 = float(np.finfo(np.float32).max)
_NORMAL = NormalDist()
_HUGE = 8e307  # the difference of two numbers within this is finite


@dataclass(frozen=True)
class Scaler:
    """Fitted scaling of k columns.

    - `none`: the number itself, within the range of float32.
    - `standard`: minus mean, by standard deviation.
    - `robust`: minus median, by interquartile range / 1.349 (by standard deviation where half of the values are equal).
    - `quantile`: the normal quantile of the value's rank among training values, by at most 1,000 reference points,
      between -5.199 and 5.199. Equal values get the middle of their ranks.

    Beyond the training range, `standard` and `robust` go on linearly for one more width of that range and then stay
    flat, and never pass ±1,000: an absurd value at serving time gives an extreme input, not an absurd one. A column
    that is constant in training is therefore 0 everywhere, as is one without any value.

    Shape:
        center, scale, low, high: (k,) float64; low and high are on the raw scale
        knots: k pairs of increasing raw values and their normal quantiles, for `quantile` only
    """

    method: str
    center: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    knots: tuple[tuple[np.ndarray, np.ndarray], ...] = ()

    @staticmethod
    def fit(columns: Iterable[np.ndarray], method: str) -> Scaler:
        """Fit the scaling of columns, each (rows,) float64 with NaN; they are asked for once, one at a time."""
        if method not in METHODS:
            raise ConfigError(
                f"there is no scaling {method!r}",
                rule="numbers are scaled in one of the ways there are",
                found=repr(method),
                do=f"use one of {', '.join(METHODS)}",
            )
        statistics, knots = [], []
        for column in columns:
            known = np.clip(column[~np.isnan(column)], -_HUGE, _HUGE)
            statistics.append(_statistics(known, method))
            knots += [_knots(known)] if method == "quantile" else []
        center, scale, low, high = (np.ascontiguousarray(row) for row in np.array(statistics).reshape(-1, 4).T)
        return Scaler(method, center, scale, low, high, tuple(knots))

    def apply(self, matrix: np.ndarray) -> np.ndarray:
        """Return the scaled matrix; NaN stays NaN.

        Shape:
            matrix: (rows, k) float64
            returns: (rows, k) float64
        """
        if self.method == "quantile":
            scaled = np.empty_like(matrix)
            for k, (points, quantiles) in enumerate(self.knots):
                # between values a hair apart the slope may be infinite, and older NumPy answers with it
                scaled[:, k] = np.clip(np.interp(matrix[:, k], points, quantiles), quantiles[0], quantiles[-1])
            return scaled
        clipped = np.minimum(np.maximum(matrix, self.low), self.high)
        return clipped if self.method == "none" else (clipped - self.center) / self.scale

    def to_dict(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in ("center", "scale", "low", "high")}
        return {"method": self.method, **arrays, "knots": [[points.tolist(), q.tolist()] for points, q in self.knots]}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Scaler:
        center, scale, low, high = (np.array(data[name], np.float64) for name in ("center", "scale", "low", "high"))
        knots = tuple((np.array(points, np.float64), np.array(q, np.float64)) for points, q in data["knots"])
        return Scaler(data["method"], center, scale, low, high, knots)


@dataclass(frozen=True)
class NumbersEncoder:
    """Scaled columns side by side, then one 0/1 column for each column that had missing values in training.

    With missing "indicator", missing becomes 0 after scaling; with "keep", it stays NaN and there are no indicators.

    Shape:
        encode(cells)["numbers"]: (rows, k + indicators) float32
    """

    names: tuple[str, ...]
    scaler: Scaler
    keep: bool
    flagged: tuple[int, ...]  # positions of the columns with an indicator

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray], scaling: str, missing: str) -> NumbersEncoder:
        """Fit on training cells: (rows,) float64 with NaN per column."""
        keep, flagged = keeps_missing(missing), []

        def columns() -> Iterator[np.ndarray]:
            for k, name in enumerate(cells):
                column = np.asarray(cells[name], np.float64)
                if not keep and np.isnan(column).any():
                    flagged.append(k)
                yield column

        scaler = Scaler.fit(columns(), scaling)
        return NumbersEncoder(tuple(cells), scaler, keep, tuple(flagged))

    def layout(self) -> Layout:
        return Layout(numbers=(*self.names, *(f"{self.names[k]} missing" for k in self.flagged)))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        matrix = matrix_of(cells, self.names)
        return {"numbers": filled(self.scaler.apply(matrix), matrix, self.keep, self.flagged)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "scaler": self.scaler.to_dict(),
            "keep": self.keep,
            "flagged": list(self.flagged),
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> NumbersEncoder:
        return NumbersEncoder(
            tuple(data["names"]), Scaler.from_dict(data["scaler"]), data["keep"], tuple(data["flagged"])
        )


def keeps_missing(missing: str) -> bool:
    """Return whether a recipe keeps NaN."""
    if missing not in ("indicator", "keep"):
        raise ConfigError(
            f"there is no way {missing!r} to encode missing values",
            rule="missing numbers become 0 with an indicator, or are kept",
            found=repr(missing),
            do="use indicator or keep",
        )
    return missing == "keep"


def matrix_of(cells: Mapping[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray:
    """Return columns side by side, (rows, k) float64."""
    matrix = np.empty((len(cells[names[0]]) if names else 0, len(names)), np.float64)
    for k, name in enumerate(names):
        matrix[:, k] = cells[name]
    return matrix


def filled(values: np.ndarray, matrix: np.ndarray, keep: bool, flagged: tuple[int, ...]) -> np.ndarray:
    """Return encoded values as float32, with 0 for missing ones and indicators of the flagged columns of `matrix`.

    Shape:
        values: (rows, j) float64, NaN where missing
        matrix: (rows, k) float64, NaN where the cell is missing
        returns: (rows, j + flagged) float32
    """
    if keep:
        return values.astype(np.float32)
    width = values.shape[1]
    numbers = np.empty((len(values), width + len(flagged)), np.float32)
    numbers[:, :width] = values
    block = numbers[:, :width]
    np.copyto(block, 0.0, where=np.isnan(block))
    for place, k in enumerate(flagged, start=width):
        numbers[:, place] = np.isnan(matrix[:, k])
    return numbers


def _statistics(values: np.ndarray, method: str) -> tuple[float, float, float, float]:
    """Return center, scale, low and high of one column without its missing values."""
    if method == "none":
        return 0.0, 1.0, -_FLOAT32, _FLOAT32
    if not len(values):
        return 0.0, 1.0, 0.0, 0.0
    least, most = float(values.min()), float(values.max())
    if least == most:
        return least, 1.0, least, least
    largest = max(abs(least), abs(most))
    unit = values / largest  # squares of values beyond 1e154 overflow
    center, scale = float(unit.mean() * largest), float(unit.std() * largest)
    if method == "robust":
        quartiles = np.percentile(unit, (25, 50, 75)) * largest
        center = float(quartiles[1])
        scale = float(quartiles[2] / _IQR_OF_NORMAL - quartiles[0] / _IQR_OF_NORMAL) or scale
    if not scale > 0.0:  # values so near each other that their spread is lost in rounding
        return center, 1.0, center, center
    width = most - least
    low = max(least - width, center - REACH * scale, -_HUGE)
    high = min(most + width, center + REACH * scale, _HUGE)
    return center, scale, low, high


def _knots(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return increasing values and the normal quantile of the rank of each.

    Reference points are evenly spaced in rank. Between two of them the normal quantile bends, most of all in the tails,
    so further knots are laid there now: encoding is then one interpolation, without a normal quantile function.
    """
    if not len(values):
        return np.zeros(1), np.zeros(1)
    n_points = min(POINTS, len(values))
    reference = np.linspace(0.0, 1.0, n_points)
    parts = (n_points - 1) * -(-POINTS // n_points) + 1  # each gap between reference points in equal parts
    tail = np.geomspace(TAIL, 0.02, 86)
    ranks = np.unique(np.concatenate([np.linspace(0.0, 1.0, parts), tail, 1.0 - tail]))
    points = np.maximum.accumulate(np.interp(ranks, reference, np.quantile(values, reference)))
    points, first, counts = np.unique(points, return_index=True, return_counts=True)
    middle = (ranks[first] + ranks[first + counts - 1]) / 2.0
    return points, np.array([_normal_quantile(p) for p in np.clip(middle, TAIL, 1.0 - TAIL).tolist()])


@lru_cache(maxsize=1 << 16)
def _normal_quantile(rank: float) -> float:
    """Ranks without ties are the same in every column: wide tables ask for each of them thousands of times."""
    return _NORMAL.inv_cdf(rank)
