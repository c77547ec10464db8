"""Power: which difference between two shares can so many rows show?

Knows two shares, two numbers of rows, a level and a power; knows nothing of what is compared.
"""

from __future__ import annotations

import math
from statistics import NormalDist

ALPHA = 0.05
POWER = 0.8
_NORMAL = NormalDist()


def two_proportion_power(rate_1: float, rate_2: float, n_1: float, n_2: float, alpha: float = ALPHA) -> float:
    """Return the power of the two-sided z-test that two shares differ.

    Formula: Φ((d − z·s₀) / s₁) + Φ((−d − z·s₀) / s₁) with d the difference, z the 1 − α/2 normal quantile,
    s₀² = p̄(1 − p̄)(1/n₁ + 1/n₂) for the pooled share p̄, and s₁² = p₁(1 − p₁)/n₁ + p₂(1 − p₂)/n₂.

    Args:
        rate_1, rate_2: the true shares, in [0, 1].
        n_1, n_2: independent rows of each.
        alpha: level of the test, in (0, 1).

    Source:
        Fleiss, Levin, Paik (2003), Statistical Methods for Rates and Proportions, section 4.2.

    Examples:
        >>> round(two_proportion_power(0.10, 0.13, 1_774, 1_774), 3)
        0.8
    """
    pooled = (n_1 * rate_1 + n_2 * rate_2) / (n_1 + n_2)
    null = math.sqrt(pooled * (1 - pooled) * (1 / n_1 + 1 / n_2))
    real = math.sqrt(rate_1 * (1 - rate_1) / n_1 + rate_2 * (1 - rate_2) / n_2)
    z = _NORMAL.inv_cdf(1 - alpha / 2)
    gap = rate_1 - rate_2
    if real == 0:
        return float(abs(gap) > z * null)
    return _NORMAL.cdf((gap - z * null) / real) + _NORMAL.cdf((-gap - z * null) / real)


def smallest_effect(rate: float, n_1: float, n_2: float, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Return the smallest rise of a share that n₁ against n₂ rows show with the stated power, or None.

    None where no rise can be shown: the share is 0 or 1, there are no rows, or even a rise to 1 is too small.

    Args:
        rate: the share without the rise, in [0, 1].
        n_1, n_2: independent rows with and without it.

    Examples:
        >>> round(smallest_effect(0.10, 1_774, 1_774) or 0, 3), smallest_effect(0.9, 5, 5)
        (0.03, None)
    """
    if not 0 < rate < 1 or min(n_1, n_2) < 1 or two_proportion_power(1.0, rate, n_1, n_2, alpha) < power:
        return None
    low, high = 0.0, 1 - rate
    for _ in range(60):
        middle = (low + high) / 2
        enough = two_proportion_power(rate + middle, rate, n_1, n_2, alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high
