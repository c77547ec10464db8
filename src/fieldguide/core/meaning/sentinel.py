"""Sentinels: one number such as -999 that stands for "unknown" among numbers that measure something.

Knows values alone. What is done about it is the caller's: a study made by `init` reads a sure one as missing, a check of
explore proposes the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

NEGATIVE = (-1.0, *(-float("9" * k) for k in range(1, 7)), -88.0, -77.0, -32768.0)
POSITIVE = (*(float("9" * k) for k in range(2, 9)), 88.0, 888.0, 8888.0, 9998.0, 65535.0, 2147483647.0)
UNMEASURED = frozenset((*(-float("9" * k) for k in range(2, 7)), -32768.0))
"""Codes that hardly any measurement takes where nothing else is negative."""
UNREACHED = frozenset((*(float("9" * k) for k in range(3, 9)), 65535.0, 2147483647.0))
"""Codes that a cap may look like (99999 and more), so that they have to stand far off."""
SHARE = 0.002
FEWEST = 10
FAR = 3.0
"""Ranges of the other values that lie between them and a code that is sure where they do not rule it out by their sign."""
MANY = 10
"""Distinct other values, more than which make a measurement, not a scale of a few steps."""


@dataclass(frozen=True)
class Sentinel:
    """A code among numbers.

    Args:
        code: the number.
        n: rows that hold it.
        share: the same, of the known ones.
        low, high: between which all other values lie.
        sure: it can hardly be a measurement: it may be read as missing.
    """

    code: float
    n: int
    share: float
    low: float
    high: float
    sure: bool

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "n": self.n, "share": self.share, "low": self.low, "high": self.high}


def sentinel(values: np.ndarray, *, share: float = SHARE, fewest: int = FEWEST) -> Sentinel | None:
    """Return the code that stands for "unknown" in a column of numbers, or None.

    A code is one of the usual ones (-1, -9, -99 …, 99, 999 …), held by `fewest` rows and a `share` of them. A negative one
    counts when no other value is negative, or when it lies `FAR` ranges of the others below them; not in a scale of a few steps.
    A positive one counts when it is farther from the largest other value than their whole range.

    It is sure when the others take more than `MANY` values and it is -99, -999 … (nothing else negative, or far below);
    999, 9999 … by `FAR` ranges above; -1 or -9 where all others are positive and it lies half their range below.

    Args:
        share, fewest: of the known rows, from which a repeated value is a code.

    Shape:
        values: (rows,) float64, NaN where missing

    Examples:
        >>> sizes = np.concatenate([np.linspace(20, 180, 300), np.full(20, -999.0)])
        >>> found = sentinel(sizes)
        >>> found.code, found.n, found.sure, sentinel(sizes[:300]) is None
        (-999.0, 20, True, True)
    """
    known = values[~np.isnan(values)]
    if len(known) < 30:
        return None
    for code in (*NEGATIVE, *POSITIVE):
        here = known == code
        n = int(here.sum())
        rest = known[~here] if n >= max(fewest, share * len(known)) else known[:0]
        if len(rest) < 20:
            continue
        low, high = float(rest.min()), float(rest.max())
        distinct = len(np.unique(rest[:2000]))
        far = distinct > MANY and (low - code if code < 0 else code - high) >= FAR * (high - low) > 0
        below = _below(code, low, high, distinct) or (far and code in UNMEASURED)
        if below if code < 0 else _above(code, low, high, distinct):
            sure = distinct > MANY and _sure(code, low, high, far)
            return Sentinel(code, n, n / len(known), low, high, sure)
    return None


def _below(code: float, low: float, high: float, distinct: int) -> bool:
    """Whether a negative code may be one: nothing else is negative, and it is no step of a scale such as -1, 0, 1, 2."""
    if low < 0 or distinct < 2 or (distinct == 2 and (code != -1 or {low, high} != {0.0, 1.0})):
        return False
    return not (2 < distinct <= 5 and code == -1 and low == 0 and high <= 5)


def _above(code: float, low: float, high: float, distinct: int) -> bool:
    return code - high >= max(high - low, 1.0) and distinct >= 5


def _sure(code: float, low: float, high: float, far: bool) -> bool:
    if code in UNMEASURED:
        return low >= 0 or far
    if code < 0:
        return low > 0 and low - code >= (high - low) / 2
    return code in UNREACHED and far
