"""Steps: the learning rate is divided at stated moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.settings import setting


@dataclass(frozen=True)
class Steps:
    """Divided by ten after half of the steps and after three quarters, as was long usual with momentum.

    Formula:
        gamma ^ (number of moments passed)

    Source:
        He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.

    Examples:
        >>> [round(Steps().factor(progress), 3) for progress in (0.2, 0.5, 0.8)]
        [1.0, 0.1, 0.01]
    """

    name: ClassVar[str] = "steps"

    gamma: float = setting(0.1, "what the rate is multiplied by at each moment")
    moments: tuple[float, ...] = setting((0.5, 0.75), "shares of the steps after which it is")

    def factor(self, progress: float) -> float:
        """Return the rate as a share of the learning rate, at `progress` in [0, 1]."""
        return float(self.gamma ** sum(progress >= moment for moment in self.moments))
