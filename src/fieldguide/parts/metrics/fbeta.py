"""F-beta: how well positives are found, recall weighing beta times precision.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.core.errors import ConfigError
from fieldguide.parts.metrics._confusion import OfConfusion, ratio


@dataclass(frozen=True)
class Fbeta(OfConfusion):
    """Weighted harmonic mean of precision and recall of label 1.

    Formula: `(1 + beta²) TP / ((1 + beta²) TP + beta² FN + FP)`.
    Range: 0 to 1.
    Unit: none.
    Use: like F1, where a miss is worse than a false alarm (beta > 1) or better (beta < 1).
    Source: van Rijsbergen (1979), Information Retrieval.

    Args:
        beta: how many times as important recall is as precision, above 0.

    Raises:
        ConfigError: beta is not above 0.

    Examples:
        >>> round(Fbeta(beta=2).score(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0])), 4)
        0.7143
    """

    name: ClassVar[str] = "fbeta"
    title: ClassVar[str] = "F-beta"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "decision"
    families: ClassVar[tuple[str, ...]] = ("binary",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    beta: float = 2.0

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise ConfigError(
                "fbeta has no such beta", rule="beta is above 0", found=str(self.beta), do="use 2, or 0.5"
            )

    def read(self, confusion: np.ndarray) -> np.ndarray:
        square = self.beta**2
        hits = (1 + square) * confusion[:, 1, 1]
        return ratio(hits, hits + confusion[:, 0, 1] + square * confusion[:, 1, 0])
