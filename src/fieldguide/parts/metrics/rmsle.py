"""RMSLE: how far predictions are off as ratios.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.core.errors import DataError
from fieldguide.parts.metrics._mean import MeanOfRows, flat


@dataclass(frozen=True)
class Rmsle(MeanOfRows):
    """Root mean squared error of logarithms.

    Formula: `sqrt(mean((log(1 + truth) - log(1 + prediction))²))`; a prediction below 0 counts as 0.
    Range: 0 upwards; 0.1 is about ten per cent off.
    Unit: log units (ratios), whatever the target's.
    Use: counts and amounts over several orders of magnitude, where being off by a factor is what hurts.
    Source: standard (used by many public competitions).

    Raises:
        DataError: a truth is below 0.

    Examples:
        >>> round(Rmsle().score(np.array([9.0, 99.0]), np.array([9.0, 9.0])), 4)
        1.6282
    """

    name: ClassVar[str] = "rmsle"
    title: ClassVar[str] = "RMSLE"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        truth = flat(truth)
        if (truth < 0).any():
            raise DataError(
                "RMSLE cannot judge negative values",
                rule="the target is 0 or more in every row",
                found=f"{int((truth < 0).sum()):,} rows below 0, the lowest {truth.min():g}",
                do="use rmse or mae",
            )
        return np.asarray((np.log1p(truth) - np.log1p(np.maximum(flat(prediction), 0.0))) ** 2)

    def read(self, means: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(means))
