"""One cycle: up to the learning rate, then down to 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.settings import setting


@dataclass(frozen=True)
class OneCycle:
    """From a small share up to the learning rate over the first `up` of the steps, then down to 0, both along half a cosine.

    Source:
        Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2018.

    Examples:
        >>> [round(OneCycle().factor(progress), 3) for progress in (0.0, 0.3, 1.0)]
        [0.04, 1.0, 0.0]
    """

    name: ClassVar[str] = "one_cycle"

    up: float = setting(0.3, "share of the steps over which the rate rises")
    start: float = setting(0.04, "share of the learning rate at the first step")

    def factor(self, progress: float) -> float:
        """Return the rate as a share of the learning rate, at `progress` in [0, 1]."""
        progress = min(1.0, max(0.0, progress))
        if progress < self.up:
            return self.start + (1.0 - self.start) * (1.0 - math.cos(math.pi * progress / self.up)) / 2.0
        return (1.0 + math.cos(math.pi * (progress - self.up) / max(1e-12, 1.0 - self.up))) / 2.0
