"""Cooldown: a constant learning rate, then a straight line to 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.settings import setting


@dataclass(frozen=True)
class Cooldown:
    """Constant until the last `share` of the steps, over which it falls in a straight line to 0.

    Formula:
        min(1, (1 - progress) / share)

    Source:
        Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", NeurIPS 2024.

    Examples:
        >>> [Cooldown(0.5).factor(progress) for progress in (0.2, 0.75, 1.0)]
        [1.0, 0.5, 0.0]
    """

    name: ClassVar[str] = "cooldown"

    share: float = setting(0.5, "share of the steps, at the end, over which the rate falls")

    def factor(self, progress: float) -> float:
        """Return the rate as a share of the learning rate, at `progress` in [0, 1]."""
        falling = (1.0 - progress) / self.share if self.share > 0 else 1.0
        return max(0.0, min(1.0, falling))
