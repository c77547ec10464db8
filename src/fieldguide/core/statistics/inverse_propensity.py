"""Inverse propensity: what a policy would have earned on traffic that another policy decided.

Knows rewards, the chance with which each logged action was taken, the chance with which the new policy takes it, and units.
Where the logging policy never acts as the new one would, no weighting can tell: the effective sample size says how far off that is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.statistics.bootstrap import LEVEL, NORMAL, numbered


@dataclass(frozen=True)
class PolicyValue:
    """The value of a policy per decision, estimated from another policy's log.

    Args:
        estimator: "ips", "snips" or "doubly robust".
        value: mean reward.
        interval: (low, high) at 95 %, over units.
        error: standard error.
        n: decisions.
        n_effective: decisions that would tell as much, were they the policy's own: (Σw)² / Σw².
        largest: the largest weight.
    """

    estimator: str
    value: float
    interval: tuple[float, float]
    error: float
    n: int
    n_effective: float
    largest: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "estimator": self.estimator, "value": self.value, "interval": list(self.interval), "error": self.error,
            "n": self.n, "n_effective": self.n_effective, "largest": self.largest,
        }  # fmt: skip


def ips(weights: np.ndarray, rewards: np.ndarray, units: np.ndarray | None = None) -> PolicyValue:
    """Return the plain estimate, the mean of w·r with w = π(a|x) / p(a|x): unbiased, of large variance.

    Args:
        weights: chance that the new policy takes the logged action over the chance that the logging one took it.
        rewards: what the logged action earned.
        units: unit of each decision; errors are over units. None: every decision its own.

    Shape:
        weights, rewards, units: (decisions,)

    Source: Horvitz and Thompson (1952); Dudík, Langford, Li (2011), Doubly Robust Policy Evaluation and Learning.

    Examples:
        >>> ips(np.array([2.0, 0.0, 2.0, 0.0]), np.array([1.0, 0.0, 0.0, 1.0])).value
        0.5
    """
    return _estimate("ips", weights * rewards, np.ones(len(rewards)), weights, units)


def snips(weights: np.ndarray, rewards: np.ndarray, units: np.ndarray | None = None) -> PolicyValue:
    """Return the self-normalised estimate Σ w·r / Σ w: slightly biased, far less variable, never outside the rewards' range.

    Shape:
        weights, rewards, units: (decisions,)

    Source: Swaminathan and Joachims (2015), The Self-Normalized Estimator for Counterfactual Learning.

    Examples:
        >>> snips(np.array([3.0, 1.0]), np.array([1.0, 0.0])).value
        0.75
    """
    return _estimate("snips", weights * rewards, weights, weights, units)


def doubly_robust(
    weights: np.ndarray,
    rewards: np.ndarray,
    expected_logged: np.ndarray,
    expected_policy: np.ndarray,
    units: np.ndarray | None = None,
) -> PolicyValue:
    """Return the mean of q̂(x, π) + w (r − q̂(x, a)): right when either the propensities or the reward model are.

    Args:
        expected_logged: reward that a model expects of the logged action, q̂(x, a); fitted on other units.
        expected_policy: reward that it expects of the new policy, Σₐ π(a|x) q̂(x, a).

    Shape:
        weights, rewards, expected_logged, expected_policy, units: (decisions,)

    Source: Dudík, Langford, Li (2011), as above.
    """
    terms = expected_policy + weights * (rewards - expected_logged)
    return _estimate("doubly robust", terms, np.ones(len(rewards)), weights, units)


def _estimate(
    name: str, numerator: np.ndarray, denominator: np.ndarray, weights: np.ndarray, units: np.ndarray | None
) -> PolicyValue:
    """Return Σ numerator / Σ denominator with the delta method's error over units."""
    n = len(numerator)
    total = float(denominator.sum())
    value = float(numerator.sum()) / total if total > 0 else math.nan
    codes, n_units = numbered(np.arange(n) if units is None else units)
    residual = np.bincount(codes, numerator - value * denominator, n_units)
    spread = float((residual**2).sum())
    error = math.sqrt(spread * n_units / (n_units - 1)) / total if total > 0 and n_units > 1 else math.nan
    reach = NORMAL.inv_cdf((1 + LEVEL) / 2) * error
    squares = float((weights**2).sum())
    effective = float(weights.sum()) ** 2 / squares if squares > 0 else 0.0
    return PolicyValue(
        name, value, (value - reach, value + reach), error, n, effective, float(weights.max(initial=0.0))
    )
