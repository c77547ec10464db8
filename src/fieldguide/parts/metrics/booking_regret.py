"""Booking regret: how much of the price of a booking a suggestion would have given away.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._judge import Judge
from fieldguide.parts.metrics._mean import flat
from fieldguide.parts.metrics._offers import offers


@dataclass(frozen=True)
class BookingRegret(Judge):
    """Median over booked offers of the share of the price that the suggestion lies below it.

    Formula: `median over rows booked of max(0, 1 - suggestion / offer)`.
    Range: 0 to 1; 0 where half of the bookings or more keep their price. A very high price everywhere scores 0, so it is
    read beside price decrease recall.
    Unit: share of the price.
    Use: what suggestions would have cost on the bookings that were made; NaN without bookings.
    Source: Ye et al. (2018), Customized Regression Model for Airbnb Dynamic Pricing, section 5.1.

    Examples:
        Three booked offers of 100, suggested 110, 90 and 80: regrets 0, 0.1 and 0.2, of which 0.1 is the median.

        >>> round(BookingRegret().score(np.array([100.0, 100.0, 100.0, -100.0]), np.array([110.0, 90.0, 80.0, 50.0])), 3)
        0.1
    """

    name: ClassVar[str] = "booking_regret"
    title: ClassVar[str] = "booking regret"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    tasks: ClassVar[tuple[str, ...]] = ("price",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = 1.0

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        price, booked = offers(truth)
        regret = np.clip(1.0 - flat(prediction)[booked] / price[booked], 0.0, 1.0)
        order = np.argsort(regret, kind="stable")
        return _medians(regret[order], np.asarray(weights)[:, booked][:, order])


def _medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the median of sorted values under each weighting; halfway between two where a weight ends at the half.

    Shape:
        values: (rows,) ascending
        weights: (replicates, rows); returns: (replicates,) float64, NaN where no row counts
    """
    found = np.full(len(weights), np.nan)
    if not len(values):
        return found
    for number, weight in enumerate(weights):
        reached = np.cumsum(weight, dtype=np.float64)
        if reached[-1] <= 0:
            continue
        half = reached[-1] / 2
        low, high = np.searchsorted(reached, half, "left"), np.searchsorted(reached, half, "right")
        found[number] = (values[low] + values[high]) / 2
    return found
