"""Regression: a number.

Knows that a target is a finite number; transforms of it (log1p) are the output's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.contracts import Threshold
from fieldguide.core.errors import DataError
from fieldguide.parts.tasks._labels import refuse_missing, rows_of


@dataclass(frozen=True)
class Regression:
    """How much: a float64 value, predicted as itself.

    Examples:
        >>> Regression().encode(pl.Series([1, 2]), ()).tolist()
        [1.0, 2.0]
    """

    name: ClassVar[str] = "regression"
    family: ClassVar[Literal["classes", "sets", "values"]] = "values"
    loss: ClassVar[str] = "squared_error"
    activation: ClassVar[str] = "identity"
    metrics: ClassVar[tuple[str, ...]] = ("rmse", "mae", "rmsle", "r2", "pinball")

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return (): a value has no labels."""
        return ()

    def encode(self, target: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
        """Return (rows,) float64.

        Raises:
            DataError: a target is missing, infinite, or no number.
        """
        refuse_missing(target)
        if not target.dtype.is_numeric():
            raise DataError(
                f"the target {target.name!r} is no number",
                rule="a regression target is a column of numbers",
                found=f"its type is {target.dtype}" + (f", its first value is {target[0]!r}" if len(target) else ""),
                do=f"set columns: {{{target.name}: number}}, or another task",
            )
        values = target.cast(pl.Float64).to_numpy(writable=True)
        infinite = ~np.isfinite(values)
        if infinite.any():
            raise DataError(
                f"the target {target.name!r} is infinite in {rows_of(pl.Series(infinite))}",
                rule="every target is a finite number",
                found=f"{int(infinite.sum()):,} of {len(values):,} values are infinite or no number",
                do="correct these values, or drop the rows",
            )
        return values

    def width(self, labels: tuple[str, ...]) -> int:
        """Return 1."""
        return 1

    def decide(self, prediction: np.ndarray, threshold: Threshold) -> np.ndarray:
        """Return the value itself; a threshold has no meaning here.

        Shape:
            prediction: (rows, 1) or (rows,) float64; returns: (rows,) float64
        """
        return np.asarray(prediction, np.float64).reshape(len(prediction), -1)[:, 0]
