"""Forecasting: the next steps of a series from what is known of it at an origin.

Knows that the target is one number a step and that steps have names ("+1" is the first after the origin); examples and their
origins are `core.series.panel`'s, scales of series and intervals the steps'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError


@dataclass(frozen=True)
class Forecast:
    """What comes next: the values of the next steps, predicted together.

    Examples:
        >>> Forecast.steps(3)
        ('+1', '+2', '+3')
        >>> Forecast().width(Forecast.steps(96))
        96
    """

    name: ClassVar[str] = "forecast"
    family: ClassVar[Literal["classes", "sets", "values"]] = "values"
    loss: ClassVar[str] = "squared_error"
    activation: ClassVar[str] = "identity"
    metrics: ClassVar[tuple[str, ...]] = ("mase", "mse", "smape")

    @staticmethod
    def steps(horizon: int) -> tuple[str, ...]:
        """Return the names of the steps of a horizon."""
        return tuple(f"+{step}" for step in range(1, horizon + 1))

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return the names of the steps, as many as the first target holds; `positive` has no meaning here."""
        known = target.drop_nulls()
        return self.steps(len(known[0]) if len(known) and isinstance(known[0], list | pl.Series | np.ndarray) else 1)

    def encode(self, target: Any, labels: tuple[str, ...]) -> np.ndarray:
        """Return (rows, horizon) float64 of targets given as lists.

        Raises:
            DataError: a target has another length, or a step that is no finite number; names row and step.
        """
        coded = np.full((len(target), len(labels)), np.nan)
        for row, cell in enumerate(target.to_list() if isinstance(target, pl.Series) else target):
            values = [cell] if isinstance(cell, int | float) else list(cell if cell is not None else ())
            if len(values) != len(labels):
                raise DataError(
                    f"the target in row {row} has {len(values)} steps",
                    rule=f"a horizon of {len(labels)} steps has a value each",
                    found=f"{len(values)} of {len(labels)} values",
                    do="give every step a value, or leave out the origin",
                )
            coded[row] = [np.nan if value is None else float(value) for value in values]
            wrong = np.flatnonzero(~np.isfinite(coded[row]))
            if len(wrong):
                raise DataError(
                    f"the target in row {row} has no finite value at step {labels[int(wrong[0])]}",
                    rule="every step of a target is a finite number",
                    found=f"{len(wrong):,} of {len(labels):,} steps are missing or infinite",
                    do="leave out the origin",
                )  # fmt: skip
        return coded

    def width(self, labels: tuple[str, ...]) -> int:
        """Return the number of steps."""
        return max(1, len(labels))

    def decide(self, prediction: np.ndarray, threshold: Any) -> np.ndarray:
        """Return the values themselves; a threshold has no meaning here.

        Shape:
            prediction: (rows, horizon) float64; returns: the same
        """
        return np.asarray(prediction, np.float64)
