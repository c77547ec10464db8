"""Balance: what a learner is handed of classes that are not equally frequent. Training rows only, inside every fit.

Knows encoded rows and class codes. Rows that are judged are never touched; the rows to stop on keep their number and get
weights, so that training stops by the loss it lowers. What each remedy is worth is measured by `steps.imbalance`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fieldguide.core.batch import Encoded
from fieldguide.core.errors import ConfigError, nearest
from fieldguide.core.seeds import generator

WAYS = ("none", "weights", "oversample", "undersample")
FEWEST = 10  # rows of a class below which the others are not cut down to it


def balanced(train: Encoded, stop: Encoded | None, output: Any, way: str, seed: int) -> tuple[Encoded, Encoded | None]:
    """Return training rows in which every class counts alike, and the rows to stop on weighted to match.

    Args:
        output: the first output; where it has no classes nothing is changed.
        way: `weights` (rows / (classes · rows of the class)), `oversample` (rows of rarer classes repeated at random up to the
            most frequent), `undersample` (rows of the others left out at random down to the rarest), or `none`.
        seed: draws the rows.

    Raises:
        ConfigError: there is no such way.

    Source:
        He and Garcia, "Learning from Imbalanced Data", IEEE TKDE 21(9), 2009, section 3.1.

    Examples:
        >>> from types import SimpleNamespace
        >>> from fieldguide.core.batch import Batch, Layout
        >>> batch = Batch(Layout(), {"numbers": np.zeros((4, 0), np.float32), "codes": np.zeros((4, 0), np.int32)})
        >>> output = SimpleNamespace(task=SimpleNamespace(family="classes"))
        >>> rows, _ = balanced(Encoded(batch, (np.array([0, 0, 0, 1]),)), None, output, "weights", 0)
        >>> rows.weights.round(3).tolist()
        [0.667, 0.667, 0.667, 2.0]
    """
    if way not in WAYS:
        raise ConfigError(
            f"there is no way to balance named {way!r}{nearest(way, WAYS)}",
            rule="rare classes are balanced in one of the ways there are",
            found=f"{way!r} was asked for",
            do=f"use one of {', '.join(WAYS)}",
        )
    if way == "none" or output.task.family != "classes":
        return train, stop
    codes = train.targets[0]
    counts = np.bincount(codes, train.weights).astype(np.float64)
    factors = counts.sum() / (np.count_nonzero(counts) * np.where(counts > 0, counts, np.inf))
    factors[counts == 0] = 1.0
    weighted = None if stop is None else _weighted(stop, factors)
    if way == "weights":
        return _weighted(train, factors), weighted
    rows = drawn(codes, way, seed)
    return train.take(rows), weighted


def drawn(codes: np.ndarray, way: str, seed: int) -> np.ndarray:
    """Return the rows that resampling keeps, in their order; every class then has the same number.

    Shape:
        codes: (rows,) int64
        returns: (kept,) int64

    Examples:
        >>> codes = np.array([0] * 30 + [1] * 12)
        >>> [np.bincount(codes[drawn(codes, way, 0)]).tolist() for way in ("oversample", "undersample")]
        [[30, 30], [12, 12]]
    """
    rng = generator(seed, "balance")
    counts = np.bincount(codes)
    present = counts[counts > 0]
    each = int(present.max()) if way == "oversample" else max(FEWEST, int(present.min()))
    kept = []
    for code in np.flatnonzero(counts):
        mine = np.flatnonzero(codes == code)
        if len(mine) > each:
            mine = rng.choice(mine, each, replace=False)
        elif len(mine) < each and way == "oversample":
            mine = np.concatenate([mine, rng.choice(mine, each - len(mine))])
        kept.append(mine)
    return np.sort(np.concatenate(kept))


def _weighted(rows: Encoded, factors: np.ndarray) -> Encoded:
    codes = rows.targets[0]
    known = np.where(codes < len(factors), codes, 0)
    of_row = np.where(codes < len(factors), factors[known], 1.0)
    return replace(rows, weights=of_row if rows.weights is None else rows.weights * of_row)
