"""Cosine: half a wave from the learning rate to 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Cosine:
    """Falls slowly at first, fastest in the middle, slowly at the end.

    Formula:
        (1 + cos(π · progress)) / 2

    Source:
        Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017 (without restarts).

    Examples:
        >>> [round(Cosine().factor(progress), 3) for progress in (0.0, 0.5, 1.0)]
        [1.0, 0.5, 0.0]
    """

    name: ClassVar[str] = "cosine"

    def factor(self, progress: float) -> float:
        """Return the rate as a share of the learning rate, at `progress` in [0, 1]."""
        return (1.0 + math.cos(math.pi * min(1.0, max(0.0, progress)))) / 2.0
