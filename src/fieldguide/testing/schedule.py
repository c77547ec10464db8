"""The contract of a schedule: a share of the learning rate at every moment of a training.

Knows `core.contracts.Schedule` only.
"""

from __future__ import annotations

import math
from typing import Any


def check_schedule(schedule: Any) -> None:
    """Assert that a schedule keeps the contract.

    Raises:
        AssertionError: names the rule that does not hold.

    Examples:
        >>> from fieldguide import parts
        >>> check_schedule(parts.find("schedules", "cosine")())
    """
    settled = getattr(type(schedule), "__dataclass_params__", None)
    assert settled is not None and settled.frozen, "a schedule is a frozen dataclass"
    factors = [schedule.factor(step / 200) for step in range(201)]
    assert all(isinstance(f, float) and math.isfinite(f) and -1e-12 <= f <= 1 + 1e-12 for f in factors), (
        "a factor is a share"
    )
    assert max(factors) > 0.99, "the learning rate itself is reached"
    assert 0.0 <= schedule.factor(1.5) <= 1.0, "a clock may lead beyond the end: the factor stays a share"
