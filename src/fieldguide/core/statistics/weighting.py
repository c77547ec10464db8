"""Row weights: what they must be, and how many equal rows unequal ones are worth.

Knows weights as an array. Which column holds them, and whether they count in learning, in scores or in both, is study.yaml's
(`data.weight`, `population.weigh`); how a metric is weighted is each metric's.
"""

from __future__ import annotations

import numpy as np

from fieldguide.core.errors import DataError

HUGE = 1e250


def effective_size(weights: np.ndarray, blocks: np.ndarray | None = None) -> float:
    """Return how many equal rows (or units) would tell a mean as surely as these unequal ones do.

    Formula: `(Σ w)² / Σ w²`; of units, w is the mean weight of a unit's rows. 0 where nothing weighs anything.

    Shape:
        weights: (rows,) not negative; blocks: (rows,) unit of each row, or None

    Source: Kish (1965), Survey Sampling, section 11.7.

    Examples:
        >>> effective_size(np.array([1.0, 1.0, 1.0, 1.0])), round(effective_size(np.array([9.0, 1.0, 1.0, 1.0])), 2)
        (4.0, 1.71)
        >>> effective_size(np.array([2.0, 2.0, 2.0, 2.0]), np.array([0, 0, 0, 1]))
        2.0
    """
    weights = np.asarray(weights, dtype=np.float64)
    if blocks is not None:
        _, of_row = np.unique(blocks, return_inverse=True)
        weights = np.bincount(of_row, weights) / np.bincount(of_row)
    most = float(weights.max(initial=0.0))
    if most <= 0:
        return 0.0
    weights = weights / most  # squares of very large or very small weights would leave the range of floats
    return float(weights.sum() ** 2 / (weights**2).sum())


def mean_one(weights: np.ndarray) -> np.ndarray:
    """Return weights with mean 1, so that no learner takes their unit (persons, euros) for certainty; all zeros stay.

    Examples:
        >>> mean_one(np.array([1000.0, 3000.0])).tolist()
        [0.5, 1.5]
    """
    weights = np.asarray(weights, dtype=np.float64)
    most = float(weights.max(initial=0.0))
    if most > HUGE:
        weights = weights / most  # their sum would leave the range of floats
    mean = float(weights.mean()) if len(weights) else 0.0
    return weights / mean if mean > 0 else weights


def check_weights(name: str, weights: np.ndarray) -> None:
    """Refuse weights that cannot weigh: missing, infinite, negative, or all zero.

    Args:
        name: the column, for the message.

    Shape:
        weights: (rows,) float64, NaN where missing

    Raises:
        DataError: counts the bad ones and names the first rows.

    Examples:
        >>> check_weights("w", np.array([0.0, 1.5, 2.0]))
    """
    weights = np.asarray(weights, dtype=np.float64)
    kinds = (
        ("missing or not a number", np.isnan(weights)), ("infinite", np.isinf(weights)), ("negative", weights < 0),
    )  # fmt: skip
    bad = [(what, np.flatnonzero(mask)) for what, mask in kinds if mask.any()]
    rule = "every row weighs a number of 0 or more, and some row more than 0"
    if bad:
        raise DataError(
            f"row weights in {name!r} cannot be used", rule=rule,
            found="; ".join(f"{len(rows):,} {what} (first: row {', '.join(map(str, rows[:3]))})" for what, rows in bad)
            + f", of {len(weights):,} with a target, counted from 0",
            do="mend them, or leave these rows out (0 counts a row in nothing); or remove data.weight",
        )  # fmt: skip
    if len(weights) and not weights.any():
        raise DataError(
            f"row weights in {name!r} are all 0", rule=rule, found=f"{len(weights):,} rows of no weight",
            do="name another column, or remove data.weight",
        )  # fmt: skip
