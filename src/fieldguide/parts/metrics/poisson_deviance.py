"""Poisson deviance: how far predicted rates are from counts, as a Poisson law sees it.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows, flat

LEAST = 1e-9  # a rate of 0 or less is read as this: the price of calling impossible what happens stays finite


@dataclass(frozen=True)
class PoissonDeviance(MeanOfRows):
    """Mean deviance of counts under predicted rates.

    Formula: `mean(2 (truth log(truth / rate) - truth + rate))`, with `0 log 0 = 0`; a rate below 1e-9 is read as 1e-9.
    Range: 0 upwards; counts that are Poisson with the predicted rates score about 1.
    Unit: none.
    Use: counts; errors weigh by how much a rate of that size varies by chance, so that small rates count too.
    Source: McCullagh & Nelder (1989), Generalized Linear Models, section 2.3.

    Examples:
        >>> round(PoissonDeviance().score(np.array([0.0, 2.0]), np.array([0.5, 1.0])), 4)
        0.8863
    """

    name: ClassVar[str] = "poisson_deviance"
    title: ClassVar[str] = "Poisson deviance"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    tasks: ClassVar[tuple[str, ...]] = ("count",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        count, rate = flat(truth), np.maximum(flat(prediction), LEAST)
        happened = np.where(count > 0, count, 1.0)
        return np.asarray(2 * (np.where(count > 0, count * np.log(happened / rate), 0.0) - count + rate))
