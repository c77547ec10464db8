"""Price increase recall: how many of the booked offers would not have been cheaper.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._offers import OfCells


@dataclass(frozen=True)
class PriceIncreaseRecall(OfCells):
    """Share of booked offers for which the same or a higher price is suggested.

    Formula: `rows booked with suggestion >= offer / rows booked`.
    Range: 0 to 1; a very high price everywhere scores 1, so it is read beside price decrease recall.
    Unit: none.
    Use: how often a suggestion would have kept or raised what was earned.
    Source: Ye et al. (2018), Customized Regression Model for Airbnb Dynamic Pricing, section 5.1.

    Examples:
        Offers of 100, booked twice and then not; suggested are 110, 90, 80, 95: one of the two booked keeps its price or more.

        >>> PriceIncreaseRecall().score(np.array([100.0, 100.0, -100.0, -100.0]), np.array([110.0, 90.0, 80.0, 95.0]))
        0.5
    """

    name: ClassVar[str] = "price_increase_recall"
    title: ClassVar[str] = "price increase recall"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    tasks: ClassVar[tuple[str, ...]] = ("price",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def over(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        return np.asarray(booked & raised)

    def under(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        return np.asarray(booked)
