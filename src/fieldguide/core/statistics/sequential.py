"""Always-valid inference: p-values and intervals that hold however often one looks and whenever one stops.

Knows an estimate, its standard error, and the scale of a normal mixture that is fixed before the data. The mixture sequential
probability ratio test and the confidence sequence are two readings of one martingale.
"""

from __future__ import annotations

import math

import numpy as np

BURN_IN = 100
"""Units that either arm needs before a sequential reading: below, the estimate is not yet near normal."""


def mixture_scale(planned_error: float, alpha: float = 0.05) -> float:
    """Return the scale τ that makes the confidence sequence shortest where the standard error is `planned_error`.

    With r = τ² / V the half-width at error √V is √(V (1 + 1/r) (2 log(1/α) + log(1 + r))), which is least at
    r = −W₋₁(−α² / e) − 1, with W₋₁ the lower branch of Lambert's function.

    Args:
        planned_error: standard error of the difference at the planned end.
        alpha: level, in (0, 1).

    Source: Howard et al. (2021), Time-uniform, nonparametric, nonasymptotic confidence sequences, section 3.5.

    Examples:
        >>> round(mixture_scale(1.0), 3)
        2.866
    """
    from scipy.special import lambertw

    ratio = -float(lambertw(-(alpha**2) / math.e, -1).real) - 1
    return planned_error * math.sqrt(ratio)


def always_valid_p(value: np.ndarray | float, error: np.ndarray | float, scale: float) -> np.ndarray:
    """Return the p-value of "no difference" at one look; take the running minimum over looks.

    Formula: Λ = √(V / (V + τ²)) · exp(τ² θ̂² / (2 V (V + τ²))), p = min(1, 1 / Λ), with V the squared standard error.
    Under no difference Λ is (asymptotically) a martingale that starts at 1, so that the chance that it ever reaches 1 / α
    is at most α (Ville).

    Args:
        value: estimated difference.
        error: its standard error; where it is not a positive number the p-value is 1.
        scale: τ, fixed before the data; see `mixture_scale`.

    Source:
        Robbins (1970), Statistical Methods Related to the Law of the Iterated Logarithm; Johari, Koomen, Pekelis, Walsh
        (2022), Always Valid Inference: Continuous Monitoring of A/B Tests.

    Examples:
        >>> always_valid_p(3.0, 1.0, 2.9).round(4).item(), round(float(always_valid_p(1.0, 1.0, 2.9)), 2)
        (0.055, 1.0)
    """
    value, error = np.asarray(value, dtype=float), np.asarray(error, dtype=float)
    good = (error > 0) & np.isfinite(error) & np.isfinite(value)
    variance = np.where(good, error, 1.0) ** 2
    square = scale**2
    evidence = 0.5 * np.log(variance / (variance + square))
    evidence = evidence + square * np.where(good, value, 0.0) ** 2 / (2 * variance * (variance + square))
    return np.where(good, np.exp(-np.maximum(0.0, evidence)), 1.0)


def always_valid_reach(error: np.ndarray | float, scale: float, alpha: float = 0.05) -> np.ndarray:
    """Return the half-width of the confidence sequence: value ± reach holds the truth at all looks together.

    Formula: √(V (V + τ²) / τ² · (2 log(1/α) + log((V + τ²) / V))).

    Source: Howard et al. (2021), as above; Waudby-Smith et al. (2024), Time-uniform central limit theory and asymptotic
    confidence sequences.

    Examples:
        >>> round(float(always_valid_reach(1.0, mixture_scale(1.0))), 3)
        3.035
    """
    variance, square = np.asarray(error, dtype=float) ** 2, scale**2
    with np.errstate(divide="ignore", invalid="ignore"):
        width = variance * (variance + square) / square * (-2 * math.log(alpha) + np.log1p(square / variance))
    return np.where(variance > 0, np.sqrt(width), np.inf)
