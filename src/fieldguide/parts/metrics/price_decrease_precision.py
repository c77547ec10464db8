"""Price decrease precision: how many of the lowered prices had gone unbooked.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._offers import OfCells


@dataclass(frozen=True)
class PriceDecreasePrecision(OfCells):
    """Share of suggestions below the offer for which the offer was not booked.

    Formula: `rows not booked with suggestion < offer / rows with suggestion < offer`.
    Range: 0 to 1; NaN where no lower price is suggested.
    Unit: none.
    Use: whether decreases fall where they are needed.
    Source: Ye et al. (2018), Customized Regression Model for Airbnb Dynamic Pricing, section 5.1.

    Examples:
        Offers of 100, booked twice and then not; suggested are 110, 90, 80, 95: three are lowered, and two of these had not been booked.

        >>> PriceDecreasePrecision().score(np.array([100.0, 100.0, -100.0, -100.0]), np.array([110.0, 90.0, 80.0, 95.0]))
        0.6666666666666666
    """

    name: ClassVar[str] = "price_decrease_precision"
    title: ClassVar[str] = "price decrease precision"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    tasks: ClassVar[tuple[str, ...]] = ("price",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def over(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        return np.asarray(~booked & ~raised)

    def under(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        return np.asarray(~raised)
