"""Interval loss: how far suggested prices lie outside what offers and bookings allow.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.core.settings import setting
from fieldguide.parts.metrics._mean import MeanOfRows, flat
from fieldguide.parts.metrics._offers import offers


@dataclass(frozen=True)
class IntervalLoss(MeanOfRows):
    """Mean distance of a suggested price from the interval that its offer leaves: [P, c2 P] if booked, [c1 P, P] if not.

    Formula: `mean(max(0, lower - suggestion) + max(0, suggestion - upper))`.
    Range: 0 upwards. Suggesting exactly what was offered scores 0: no model may read the offered price.
    Unit: the price's.
    Use: to rank price suggestions by one number; it weighs too low after a booking against too high after none.
    Source: Ye et al. (2018), Customized Regression Model for Airbnb Dynamic Pricing, section 4.3.

    Examples:
        Booked at 100: 90 is 10 too low. Not booked at 100: 120 is 20 too high, 80 is inside. (10 + 20 + 0) / 3 = 10.

        >>> IntervalLoss().score(np.array([100.0, -100.0, -100.0]), np.array([90.0, 120.0, 80.0]))
        10.0
    """

    name: ClassVar[str] = "interval_loss"
    title: ClassVar[str] = "interval loss"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    tasks: ClassVar[tuple[str, ...]] = ("price",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    c1: float = setting(0.7, "lowest price worth suggesting after no booking, a share of the offer, in (0, 1)")
    c2: float = setting(1.3, "highest price worth suggesting after a booking, a multiple of the offer, above 1")

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        price, booked = offers(truth)
        suggested = flat(prediction)
        lower, upper = np.where(booked, price, self.c1 * price), np.where(booked, self.c2 * price, price)
        return np.asarray(np.maximum(0.0, lower - suggested) + np.maximum(0.0, suggested - upper))
