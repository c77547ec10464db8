"""Many tests at once: p-values corrected for how many were looked at.

Knows p-values. Holm bounds the chance of any false alarm, Benjamini–Hochberg the expected share of false ones among alarms.
"""

from __future__ import annotations

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values adjusted so that the chance of any false rejection stays at the level, whatever depends on what.

    A test that could not be made (NaN) stays NaN and is not counted.

    Shape:
        p: (tests,), returns the same

    Source: Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure.

    Examples:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Return p-values adjusted so that rejecting those below a level keeps the share of false ones among them below it.

    Holds for independent and positively dependent tests. NaN stays NaN and is not counted.

    Shape:
        p: (tests,), returns the same

    Source: Benjamini and Hochberg (1995), Controlling the False Discovery Rate.

    Examples:
        >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(2).tolist()
        [0.03, 0.04, 0.04]
    """
    p = np.asarray(p, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")[::-1]]
    steps = p[order] * len(order) / np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum.accumulate(steps)  # the largest stays what it is, so that none is above 1
    return adjusted
