"""The learning curve: errors at several numbers of rows, a power law through them, and what more rows would buy.

Knows numbers of rows and errors; knows no model, no metric and no data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.seeds import generator

EXPONENTS = np.linspace(0.1, 2.0, 39)
DRAWS = 400
FEWEST_SIZES = 4
WIDER = 1.2
"""The resampled fits lie closer together than fits of new data: chosen by coverage of the gain, 5 sizes and 3 repeats."""


@dataclass(frozen=True)
class PowerLaw:
    """error(n) = a + b · n^(−c): a is what no number of rows removes.

    Args:
        a, b, c: the fit of least squares; b at least 0.
        draws: (draws, 3) the same for resampled errors: how sure the fit is.
        spread: standard deviation of one error at the largest size.

    Examples:
        >>> sizes = np.array([100, 200, 400, 800, 1600])
        >>> law = fit_power_law(sizes, (0.1 + 3 * sizes**-0.5)[:, None])
        >>> round(law.a, 3), round(law.at(6_400), 4), round(law.gain(1_600, 3_200)[0], 4)
        (0.1, 0.1375, 0.022)
    """

    a: float
    b: float
    c: float
    draws: np.ndarray
    spread: float

    def at(self, n: float) -> float:
        """Return the error expected of n rows."""
        return float(self.a + self.b * n**-self.c)

    def interval(self, n: float, level: float = 0.95) -> tuple[float, float]:
        """Return the interval of the error expected of n rows."""
        a, b, c = self.draws.T
        low, high = np.quantile(a + b * n**-c, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def gain(self, n: float, more: float, level: float = 0.95) -> tuple[float, tuple[float, float]]:
        """Return what going from n rows to `more` takes off the error, with its interval."""
        _, b, c = self.draws.T
        low, high = np.quantile(b * (n**-c - float(more) ** -c), [(1 - level) / 2, (1 + level) / 2])
        return self.at(n) - self.at(more), (float(low), float(high))

    def to_dict(self) -> Mapping[str, Any]:
        return {"a": self.a, "b": self.b, "c": self.c, "spread": self.spread}


def fit_power_law(sizes: np.ndarray, errors: np.ndarray, *, seed: int = 0) -> PowerLaw:
    """Fit a + b · n^(−c) to errors at several sizes, each size tried several times.

    A repeat may be easier than another at every size (its judged rows are): that shift is taken out before the noise is
    measured. Noise falls with size as a power of it, and sizes count by it. The uncertainty is a parametric bootstrap: errors are drawn anew about the fit with the spread left over, which
    is multiplied by Student's 97.5 % quantile over 1.96, because few repeats measure it badly. Of the three numbers c is
    known worst, and a and b move with it; what the draws agree about is the curve near the sizes seen.

    Args:
        sizes: rows learned from, four different at least.
        errors: smaller is better; any unit.
        seed: of the draws.

    Shape:
        sizes: (n_sizes,)
        errors: (n_sizes, n_repeats)

    Raises:
        ValueError: fewer than four sizes, or the shapes do not fit.

    Source:
        Cortes et al. (1993), Learning curves: asymptotic values and rate of convergence; Viering and Loog (2023), The shape of
        learning curves, on how far such a fit can be trusted.
    """
    sizes, errors = np.asarray(sizes, np.float64), np.asarray(errors, np.float64)
    if errors.ndim != 2 or len(sizes) != len(errors) or len(np.unique(sizes)) < FEWEST_SIZES:
        raise ValueError(
            f"sizes {sizes.shape} and errors {errors.shape} must be {FEWEST_SIZES} sizes or more, a row each"
        )
    means, repeats = errors.mean(axis=1), errors.shape[1]
    if repeats > 1:
        left = errors - means[:, None] - errors.mean(axis=0) + errors.mean()
        freedom = (len(sizes) - 1) * (repeats - 1)
    else:
        a, b, c = _least_squares(sizes, means[None], np.ones(len(sizes)))[0]
        left, freedom = (means - (a + b * sizes**-c))[:, None], max(1, len(sizes) - 3)
    shape = _falling(sizes, (left**2).mean(axis=1))  # variance of an error at each size, up to a factor
    factor = float(((left**2).sum(axis=1) / shape).sum() / freedom)
    best = _least_squares(sizes, means[None], 1 / shape)[0]
    from scipy.special import stdtrit

    wide = WIDER * np.sqrt(factor * shape / repeats) * float(stdtrit(freedom, 0.975)) / 1.96
    drawn = best[0] + best[1] * sizes ** -best[2] + generator(seed, "power law").normal(size=(DRAWS, len(sizes))) * wide
    spread = float(np.sqrt(factor * shape[-1]))
    return PowerLaw(float(best[0]), float(best[1]), float(best[2]), _least_squares(sizes, drawn, 1 / shape), spread)


def _falling(sizes: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return how the noise falls with size, as a power of it between 0 and 2; 1 at the largest size.

    Shape:
        squares: (n_sizes,) mean squared residuals
        returns: (n_sizes,)
    """
    if not (squares > 0).all():
        return np.ones(len(sizes))
    power = float(np.clip(-np.polyfit(np.log(sizes), np.log(squares), 1)[0], 0.0, 2.0))
    return (sizes / sizes.max()) ** -power


def _least_squares(sizes: np.ndarray, errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return (curves, 3) a, b, c of weighted least squares over a grid of exponents; b at least 0.

    Shape:
        errors: (curves, n_sizes)
        weights: (n_sizes,)
    """
    found = np.zeros((len(errors), 3))
    left = np.full(len(errors), np.inf)
    weights = weights / weights.sum()
    mean = errors @ weights
    for c in EXPONENTS:
        x = sizes**-c
        centred = x - weights @ x
        b = np.maximum(0.0, (errors - mean[:, None]) @ (weights * centred) / (weights * centred**2).sum())
        a = mean - b * (weights @ x)
        now = (errors - a[:, None] - b[:, None] * x) ** 2 @ weights
        better = now < left - 1e-15
        found[better] = np.stack([a, b, np.full(len(b), c)], axis=1)[better]
        left = np.where(better, now, left)
    return found
