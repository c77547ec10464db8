"""MASE: how far forecasts are off, in changes over a season.

Knows the mean; that values were divided by their series' mean change over a season is the framing's (`core.series.panel`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows
from fieldguide.parts.metrics._steps import errors


@dataclass(frozen=True)
class Mase(MeanOfRows):
    """Mean absolute scaled error.

    Formula: `mean(|truth - prediction|)` over rows and steps, of values divided by `mean(|y[t] - y[t - season]|)` of their series'
    training steps.
    Range: 0 upwards; 1 is as far off as repeating the last season was, one step ahead, in the training steps.
    Unit: none, so that series of any size count alike.
    Use: several series, or one whose unit says little.
    Source: Hyndman & Koehler (2006), Another look at measures of forecast accuracy.

    Examples:
        >>> Mase().score(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
        1.0
    """

    name: ClassVar[str] = "mase"
    title: ClassVar[str] = "MASE"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("vector",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(errors(truth, prediction)).mean(axis=1))
