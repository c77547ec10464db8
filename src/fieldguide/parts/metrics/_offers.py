"""Metrics of suggested prices: what an offer led to, and on which side of it the suggestion lies.

Knows the four cells that offers fall into, and their sums under many weightings.
"""

from __future__ import annotations

import numpy as np

from fieldguide.core.errors import DataError
from fieldguide.parts.metrics._confusion import ratio
from fieldguide.parts.metrics._judge import Judge
from fieldguide.parts.metrics._mean import flat, sums_under


def offers(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return offered prices and whether they were booked, from prices whose sign says so.

    Shape:
        truth: (rows,) float64; returns: (rows,) float64, (rows,) bool

    Raises:
        DataError: a price is 0, so that it has no sign.

    Examples:
        >>> [part.tolist() for part in offers(np.array([80.0, -120.0]))]
        [[80.0, 120.0], [True, False]]
    """
    truth = flat(truth)
    if (truth == 0).any():
        raise DataError(
            "prices cannot be judged", rule="an offered price is above 0, its sign says whether it was booked",
            found=f"{int((truth == 0).sum()):,} rows whose price is 0",
            do="drop the rows without a price",
        )  # fmt: skip
    return np.abs(truth), truth > 0


class OfCells(Judge):
    """A metric that is one sum of rows over another; subclasses say which rows by `over` and `under`.

    Shape:
        over, under(booked, raised): (rows,) bool
    """

    def over(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def under(self, booked: np.ndarray, raised: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        price, booked = offers(truth)
        raised = flat(prediction) >= price
        columns = np.column_stack([self.over(booked, raised), self.under(booked, raised)]).astype(np.float64)
        sums = sums_under(columns, weights)
        return ratio(sums[:, 0], sums[:, 1])
