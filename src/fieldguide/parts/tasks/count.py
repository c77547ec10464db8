"""Count regression: how often, a whole number from 0 upwards.

Knows that a target is such a number; its rate is predicted, which need not be whole.
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
class Count:
    """How often: events in a row, predicted as their expected number, on a log scale inside the learner.

    Source:
        McCullagh and Nelder, "Generalized Linear Models", 2nd edition, 1989, chapter 6.

    Examples:
        >>> Count().encode(pl.Series([0, 2]), ()).tolist()
        [0.0, 2.0]
    """

    name: ClassVar[str] = "count"
    family: ClassVar[Literal["classes", "sets", "values"]] = "values"
    loss: ClassVar[str] = "poisson"
    activation: ClassVar[str] = "exp"
    metrics: ClassVar[tuple[str, ...]] = ("poisson_deviance", "rmse", "mae", "rmsle", "r2", "pinball")

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return (): a value has no labels."""
        return ()

    def encode(self, target: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
        """Return (rows,) float64.

        Raises:
            DataError: a target is missing, infinite, negative, not whole, or no number.
        """
        values = Regression().encode(target, labels)
        for wrong, what, do in (
            (values < 0, "is negative", "correct these values, or set task: regression"),
            (values != np.floor(values), "is not whole", "set task: regression"),
        ):
            if wrong.any():
                raise DataError(
                    f"the target {target.name!r} {what} in {rows_of(pl.Series(wrong))}",
                    rule="a count is a whole number of 0 or more",
                    found=f"{values[wrong][0]:g}",
                    do=do,
                )
        return values

    def width(self, labels: tuple[str, ...]) -> int:
        """Return 1."""
        return 1

    def decide(self, prediction: np.ndarray, threshold: Threshold) -> np.ndarray:
        """Return the expected number itself, not rounded; a threshold has no meaning here.

        Shape:
            prediction: (rows, 1) or (rows,) float64; returns: (rows,) float64
        """
        return np.asarray(prediction, np.float64).reshape(len(prediction), -1)[:, 0]
