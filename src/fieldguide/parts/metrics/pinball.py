"""pinball loss: how well predictions stand at a quantile.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.core.errors import ConfigError
from fieldguide.parts.metrics._mean import MeanOfRows, flat


@dataclass(frozen=True)
class Pinball(MeanOfRows):
    """Mean quantile loss.

    Formula: `mean(max(quantile × e, (quantile - 1) × e))` with `e = truth - prediction`.
    Range: 0 upwards; half the MAE at quantile 0.5.
    Unit: the target's.
    Use: when too low and too high cost differently: stock, staffing, promises of delivery.
    Source: Koenker & Bassett (1978), Regression Quantiles.

    Args:
        quantile: the share of truths that should lie below the prediction, in (0, 1).

    Raises:
        ConfigError: quantile is not in (0, 1).

    Examples:
        >>> Pinball(quantile=0.75).score(np.array([1.0, 2.0]), np.array([2.0, 1.0]))
        0.5
    """

    name: ClassVar[str] = "pinball"
    title: ClassVar[str] = "pinball loss"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values",)
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = math.inf

    quantile: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.quantile < 1:
            raise ConfigError(
                "pinball has no such quantile",
                rule="quantile lies between 0 and 1",
                found=str(self.quantile),
                do="name one such as 0.5 for the median",
            )

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        error = flat(truth) - flat(prediction)
        return np.maximum(self.quantile * error, (self.quantile - 1) * error)
