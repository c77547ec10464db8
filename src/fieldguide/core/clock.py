"""The wall clock as a budget: how long is left, and who may take how much of it.

Knows seconds only. Budgets in trials and steps are counted by whoever runs them; a clock that stopped something is
recorded in the journal by the step that asked.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """A deadline in monotonic time [s]; `math.inf` never ends.

    Examples:
        >>> Clock.of(None).left()
        inf
        >>> Clock.of(60).share(0.5).left() <= 30
        True
    """

    ends: float = math.inf

    @staticmethod
    def of(seconds: float | None) -> Clock:
        return Clock(math.inf if seconds is None else time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self.ends - time.monotonic())

    @property
    def over(self) -> bool:
        return self.left() <= 0.0

    def share(self, rate: float) -> Clock:
        """Return a clock that ends when `rate` of what is left has gone."""
        left = self.left()
        return self if math.isinf(left) or rate >= 1 else Clock(time.monotonic() + rate * left)

    def at_most(self, seconds: float) -> Clock:
        """Return the earlier of this clock's end and `seconds` from now."""
        return Clock(min(self.ends, time.monotonic() + seconds))
