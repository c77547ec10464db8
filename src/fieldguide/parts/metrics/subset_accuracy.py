"""subset accuracy: how often the whole label set is right.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows


@dataclass(frozen=True)
class SubsetAccuracy(MeanOfRows):
    """Share of rows whose label set is decided exactly.

    Formula: `mean(all labels of the row right)`.
    Range: 0 to 1.
    Unit: share of rows.
    Use: label sets, where one wrong label spoils the row; hard on many labels.
    Source: Ghamrawi & McCallum (2005), Collective Multi-Label Classification, section 5.

    Examples:
        >>> SubsetAccuracy().score(np.array([[1, 0], [0, 1]]), np.array([[1, 1], [0, 1]]))
        0.5
    """

    name: ClassVar[str] = "subset_accuracy"
    title: ClassVar[str] = "subset accuracy"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("multilabel",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return (truth == prediction).all(axis=1).astype(np.float64)
