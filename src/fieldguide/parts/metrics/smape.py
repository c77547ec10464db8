"""sMAPE: how far forecasts are off, in shares of what was said and what came.

Knows the number; it does not change when a series is divided by a scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows
from fieldguide.parts.metrics._steps import columns, errors


@dataclass(frozen=True)
class Smape(MeanOfRows):
    """Symmetric mean absolute percentage error, as a share.

    Formula: `mean(2 |truth - prediction| / (|truth| + |prediction|))`, 0 where both are 0.
    Range: 0 to 2.
    Unit: none (0.1 is 10 %).
    Use: positive amounts that are read in percent; it means little near zero.
    Source: Makridakis (1993); the M4 competition's form.

    Examples:
        >>> Smape().score(np.array([[1.0, 0.0]]), np.array([[3.0, 0.0]]))
        0.5
    """

    name: ClassVar[str] = "smape"
    title: ClassVar[str] = "sMAPE"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "value"
    families: ClassVar[tuple[str, ...]] = ("values", "vector")
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = 2.0

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        size = np.abs(columns(truth)) + np.abs(columns(prediction))
        off = 2 * np.abs(errors(truth, prediction))
        return np.asarray(np.divide(off, size, out=np.zeros_like(off), where=size > 0).mean(axis=1))
