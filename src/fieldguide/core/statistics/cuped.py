"""CUPED: what was known of a unit before the experiment takes its part out of the difference's variance.

Knows influences of units and covariates. A covariate must not depend on the arm: a score of the control's model before the unit was
exposed, or one that was computed for both arms alike; `balance` tests that it does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Adjusted:
    """Two arms' influences with the covariates' part taken out.

    Args:
        shift: what is taken off the difference, candidate less control.
        influences: of the two arms' units, around each arm's adjusted value.
        kept: share of the variance that is left, in [0, 1].

    Shape:
        influences: (units of the control,), (units of the candidate,)
    """

    shift: float
    influences: tuple[np.ndarray, np.ndarray]
    kept: float


def adjusted(
    control: np.ndarray, candidate: np.ndarray, covariates_control: np.ndarray, covariates_candidate: np.ndarray
) -> Adjusted:
    """Take the part that covariates foretell out of two arms' influences.

    The slope θ is fitted within the arms (each around its own mean), so that a real difference between them moves it not; the
    difference loses θ · (X̄ of the candidate − X̄ of the control), whose expectation is 0. A missing covariate counts as the
    mean of the known ones.

    Shape:
        control, candidate: (units of the arm,)
        covariates_control, covariates_candidate: (units of the arm, covariates) or (units of the arm,)

    Source:
        Deng, Xu, Kohavi, Walker (2013), Improving the Sensitivity of Online Controlled Experiments by Utilizing
        Pre-Experiment Data.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(2, 500)); y = 2 * x + rng.normal(size=(2, 500))
        >>> found = adjusted(y[0] - y[0].mean(), y[1] - y[1].mean(), x[0], x[1])
        >>> round(found.kept, 1)
        0.2
    """
    first, second = filled(covariates_control, covariates_candidate)
    within = [part - part.mean(0) for part in (first, second)]
    design, target = np.concatenate(within), np.concatenate([control, candidate])
    before = float((target**2).sum())
    if before <= 0 or not (design**2).sum(0).all():
        return Adjusted(0.0, (control, candidate), 1.0)
    slope = np.linalg.lstsq(design, target, rcond=None)[0]
    left = (control - within[0] @ slope, candidate - within[1] @ slope)
    kept = float(sum((part**2).sum() for part in left)) / before
    return Adjusted(float((second.mean(0) - first.mean(0)) @ slope), left, min(1.0, kept))


def filled(control: np.ndarray, candidate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return covariates as matrices, a missing value as the mean of the known ones of both arms together.

    Shape:
        returns: (units of the arm, covariates) twice
    """
    parts = [np.asarray(part, dtype=float) for part in (control, candidate)]
    both = [part[:, None] if part.ndim == 1 else part for part in parts]
    known = np.concatenate(both)
    held = np.isfinite(known)
    sums = np.where(held, known, 0.0).sum(0)
    mean = np.divide(sums, held.sum(0), out=np.zeros(known.shape[1]), where=held.sum(0) > 0)
    return np.where(np.isfinite(both[0]), both[0], mean), np.where(np.isfinite(both[1]), both[1], mean)


def balance(control: np.ndarray, candidate: np.ndarray) -> np.ndarray:
    """Return the p-value of "no difference between the arms" of each covariate, by Welch's test with normal tails.

    A covariate that differs was altered by the arm (or the arms are not alike), and may not adjust anything.

    Shape:
        control, candidate: (units of the arm, covariates) or (units of the arm,); returns (covariates,)
    """
    from scipy.special import ndtr

    first, second = filled(control, candidate)
    if min(len(first), len(second)) < 2:
        return np.full(first.shape[1], math.nan)
    error = np.sqrt(first.var(0, ddof=1) / len(first) + second.var(0, ddof=1) / len(second))
    z = np.divide(np.abs(second.mean(0) - first.mean(0)), error, out=np.zeros(len(error)), where=error > 0)
    p: np.ndarray = 2 * ndtr(-z)
    return p
