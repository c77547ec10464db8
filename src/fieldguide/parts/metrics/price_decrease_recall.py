"""Price decrease recall: how many of the offers that nobody took would have been cheaper.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._offers import OfCells


@dataclass(frozen=True)
class PriceDecreaseRecall(OfCells):
    """Share of offers that were not booked for which a lower price is suggested.

    Formula: `rows not booked with suggestion < offer / rows not booked`.
    Range: 0 to 1; suggesting next to nothing everywhere scores 1, so it is read beside booking regret.
    Unit: none.
    Use: the paper's main offline metric: how often a suggestion would have helped a listing that stayed empty.
    Source: Ye et al. (2018), Customized Regression Model for Airbnb Dynamic Pricing, section 5.1.

    Examples:
        Offers of 100, booked twice and then not; suggested are 110, 90, 80, 95: both of the two not booked are lowered.

        >>> PriceDecreaseRecall().score(np.array([100.0, 100.0, -100.0, -100.0]), np.array([110.0, 90.0, 80.0, 95.0]))
        1.0
    """

    name: ClassVar[str] = "price_decrease_recall"
    title: ClassVar[str] = "price decrease recall"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    tasks: ClassVar[tuple[str, ...]] = ("price",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def over(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        return np.asarray(~booked & ~raised)

    def under(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        return np.asarray(~booked)
