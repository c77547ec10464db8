"""Price suggestion: which price to offer, learned from offers that were booked or not.

Knows how an offer and its outcome become one number, and that a price is above 0. How much a booking says of the best
price is the loss's (`losses/interval.py`); which columns hold price and booking is `frame`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.contracts import Threshold
from fieldguide.core.errors import DataError
from fieldguide.parts.tasks._labels import rows_of
from fieldguide.parts.tasks.regression import Regression


@dataclass(frozen=True)
class Price:
    """Which price: a number above 0 for each row; nobody knows the right one, only what an offer led to.

    The coded truth is the offered price, its sign the outcome: P where it was booked, -P where it was not.

    Source:
        Ye et al., "Customized Regression Model for Airbnb Dynamic Pricing", KDD 2018.

    Examples:
        >>> offers = signed(np.array([80.0, 120.0]), np.array([True, False]))
        >>> Price().encode(pl.Series("price", offers), ()).tolist()
        [80.0, -120.0]
        >>> Price().plain(offers).tolist()
        [80.0, 120.0]
    """

    name: ClassVar[str] = "price"
    family: ClassVar[Literal["classes", "sets", "values"]] = "values"
    loss: ClassVar[str] = "interval"
    activation: ClassVar[str] = "exp"
    metrics: ClassVar[tuple[str, ...]] = (
        "interval_loss", "price_decrease_recall", "price_decrease_precision", "price_increase_recall",
        "price_increase_precision", "booking_regret",
    )  # fmt: skip

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return (): a price has no labels."""
        return ()

    def encode(self, target: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
        """Return (rows,) float64: the offered price, negative where it was not booked.

        Raises:
            DataError: an offer is missing, infinite, 0 or no number.
        """
        values = Regression().encode(target, labels)
        if (values == 0).any():
            raise DataError(
                f"the target {target.name!r} is 0 in {rows_of(pl.Series(values == 0))}",
                rule="a price is above 0; its sign says whether it was booked",
                found=f"{int((values == 0).sum()):,} of {len(values):,} prices are 0",
                do="correct these prices, or leave the rows out",
            )
        return values

    def plain(self, coded: np.ndarray) -> np.ndarray:
        """Return the offered prices alone: what learners that minimise another loss are fitted on.

        Shape:
            coded: (rows,) float64; returns: the same
        """
        return np.abs(coded)

    @property
    def plain_task(self) -> Regression:
        """The task of learning which price was offered, whatever came of it."""
        return Regression()

    def width(self, labels: tuple[str, ...]) -> int:
        """Return 1."""
        return 1

    def decide(self, prediction: np.ndarray, threshold: Threshold) -> np.ndarray:
        """Return the suggested price itself; a threshold has no meaning here.

        Shape:
            prediction: (rows, 1) or (rows,) float64; returns: (rows,) float64
        """
        return np.asarray(prediction, np.float64).reshape(len(prediction), -1)[:, 0]


def signed(price: np.ndarray, booked: np.ndarray) -> np.ndarray:
    """Return offers as the task codes them: the price where it was booked, its negative where it was not.

    Shape:
        price: (rows,) float64, above 0
        booked: (rows,) bool
        returns: (rows,) float64

    Examples:
        >>> signed(np.array([100.0, 100.0]), np.array([False, True])).tolist()
        [-100.0, 100.0]
    """
    coded: np.ndarray = np.where(booked, price, -np.asarray(price, np.float64))
    return coded
