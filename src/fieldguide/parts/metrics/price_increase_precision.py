"""Price increase precision: how many of the prices that were not lowered had been booked.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._offers import OfCells


@dataclass(frozen=True)
class PriceIncreasePrecision(OfCells):
    """Share of suggestions at or above the offer for which the offer was booked.

    Formula: `rows booked with suggestion >= offer / rows with suggestion >= offer`.
    Range: 0 to 1; NaN where only lower prices are suggested.
    Unit: none.
    Use: whether increases fall where they are borne.
    Source: Ye et al. (2018), Customized Regression Model for Airbnb Dynamic Pricing, section 5.1.

    Examples:
        Offers of 100, booked twice and then not; suggested are 110, 90, 80, 95: one is raised, and it had been booked.

        >>> PriceIncreasePrecision().score(np.array([100.0, 100.0, -100.0, -100.0]), np.array([110.0, 90.0, 80.0, 95.0]))
        1.0
    """

    name: ClassVar[str] = "price_increase_precision"
    title: ClassVar[str] = "price increase precision"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    tasks: ClassVar[tuple[str, ...]] = ("price",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def over(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        return np.asarray(booked & raised)

    def under(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        return np.asarray(raised)
