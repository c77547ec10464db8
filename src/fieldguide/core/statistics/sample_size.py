"""Sample size: how many units, for how long, show a difference of means between arms of any shares?

Knows variances, shares, a level and a power. What two shares of equal groups need is `core.statistics.power`'s; this is for means and ratios
with a measured variance, and for arms of different sizes.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from fieldguide.core.statistics.power import ALPHA, POWER

_NORMAL = NormalDist()


def planned_error(effect: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the standard error at which a difference is shown with the stated power.

    Formula: |δ| / (z₁₋α/₂ + z_power).

    Examples:
        >>> round(planned_error(0.28), 4)
        0.0999
    """
    return abs(effect) / (_NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power))


def units_needed(
    effect: float, variance: float, shares: tuple[float, float], alpha: float = ALPHA, power: float = POWER
) -> int:
    """Return the units in both arms together that show a difference of means with the stated power.

    Formula: n = (z₁₋α/₂ + z_power)² σ² (1/w₁ + 1/w₂) / δ², with w the arms' shares of the units in the experiment.

    Args:
        effect: the smallest difference worth knowing, not 0.
        variance: variance of a unit's value (for a ratio: of its linearised value), after any adjustment.
        shares: of the two arms; only their ratio counts.

    Source: Kohavi, Tang, Xu (2020), Trustworthy Online Controlled Experiments, chapter 17.

    Raises:
        ValueError: the effect is 0, or a share or the variance is not positive.

    Examples:
        >>> units_needed(0.1, 1.0, (0.5, 0.5)), units_needed(0.1, 1.0, (0.99, 0.01))
        (3140, 79282)
    """
    if effect == 0 or variance <= 0 or min(shares) <= 0:
        raise ValueError(f"effect {effect}, variance {variance} and shares {shares} must not be 0")
    first, second = (share / sum(shares) for share in shares)
    return math.ceil(variance * (1 / first + 1 / second) / planned_error(effect, alpha, power) ** 2)


def smallest_shown(variance: float, n_1: float, n_2: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the smallest difference of means that n₁ against n₂ units show with the stated power.

    Examples:
        >>> round(smallest_shown(1.0, 1_570, 1_570), 3)
        0.1
    """
    reach = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power)
    return reach * math.sqrt(variance * (1 / max(n_1, 1) + 1 / max(n_2, 1)))
