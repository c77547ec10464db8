"""Seasons and level shifts of one series: what its own values say, with the chance of saying so by accident kept small.

Knows arrays of values on regular steps; which steps may be looked at is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_POINTS = 600
"""A longer series is looked at in means of neighbouring steps."""
MOST_ALIKE = 0.7
"""Autocorrelation of what a shift leaves, above which the series wanders and has no level that could shift."""


def autocorrelation(values: np.ndarray, lag: int) -> float:
    """Return the correlation of a series with itself some steps before, its slow course taken out; NaN where it is too short.

    The slow course is the mean of a window as long as the lag.

    Examples:
        >>> wave = np.sin(2 * np.pi * np.arange(240) / 24)
        >>> round(autocorrelation(wave, 24), 2), round(autocorrelation(wave, 12), 2)
        (1.0, -1.0)
    """
    values = values[np.isfinite(values)]
    if lag < 2 or len(values) < 3 * lag:
        return float("nan")
    kernel = np.ones(lag) / lag
    if lag % 2 == 0:
        kernel = np.concatenate([[0.5], np.ones(lag - 1), [0.5]]) / lag
    detrended = values[len(kernel) // 2 : -(len(kernel) // 2) or None][: len(values) - len(kernel) + 1] - np.convolve(
        values, kernel, "valid"
    )
    a, b = detrended[lag:], detrended[:-lag]
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 0 else float("nan")


@dataclass(frozen=True)
class LevelShift:
    """A step at which the level of a series changed for good.

    Args:
        at: the first step of the new level.
        before, after: mean levels.
        size: their difference, in standard deviations of what is left.
        t: the same, in standard errors that take neighbours' likeness into account.
    """

    at: int
    before: float
    after: float
    size: float
    t: float


def level_shift(values: np.ndarray, season: int = 1) -> LevelShift | None:
    """Return the clearest change of level, or None where there is none that autocorrelation or a trend would not explain.

    The split that leaves the least squares is compared with a straight line, and its difference of means with an error that
    grows with the autocorrelation of what is left. A random walk leaves so much of it that no step stands out.

    Source:
        the supremum of t statistics over splits: Andrews (1993); the effective sample size of an AR(1): Bartlett (1946).

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> level_shift(rng.normal(size=200)), level_shift(np.cumsum(rng.normal(size=200)))
        (None, None)
        >>> level_shift(np.concatenate([rng.normal(size=120), rng.normal(size=80) + 3])).at
        120
    """
    steps = np.flatnonzero(np.isfinite(values))
    y = _without_season(values, season)[steps]
    block = max(1, -(-len(y) // MOST_POINTS))
    if block > 1:
        n = len(y) // block
        y, steps = y[: n * block].reshape(n, block).mean(axis=1), steps[: n * block : block]
    n = len(y)
    if n < 30 or y.std() == 0:
        return None
    least = max(8, n // 10)
    sums, count = np.cumsum(y), np.arange(1, n + 1)
    left, right = sums[:-1] / count[:-1], (sums[-1] - sums[:-1]) / (n - count[:-1])
    gain = count[:-1] * (n - count[:-1]) / n * (right - left) ** 2
    inner = slice(least - 1, n - least)
    split = int(np.argmax(gain[inner])) + least
    before, after = float(y[:split].mean()), float(y[split:].mean())
    rest = y - np.where(np.arange(n) < split, before, after)
    line = np.polynomial.polynomial.polyfit(np.arange(n), y, 1)
    straight = y - np.polynomial.polynomial.polyval(np.arange(n), line)
    sd = float(rest.std(ddof=2))
    if sd == 0 or (rest**2).sum() > 0.9 * (straight**2).sum():
        return None
    rho = float((rest[1:] * rest[:-1]).sum() / (rest**2).sum())
    rho = min(0.99, max(0.0, rho + (1 + 3 * max(rho, 0.0)) / n))
    error = sd * np.sqrt((1 / split + 1 / (n - split)) * (1 + rho) / (1 - rho))
    t = abs(after - before) / error
    if rho > MOST_ALIKE or t < 4.5 or abs(after - before) < sd:
        return None
    return LevelShift(int(steps[split]), before, after, (after - before) / sd, float(t))


def _without_season(values: np.ndarray, season: int) -> np.ndarray:
    """Return values less the median of their place in the season, with their overall median kept."""
    if season < 2 or len(values) < 3 * season:
        return values
    phase = np.arange(len(values)) % season
    usual = np.array(
        [np.nanmedian(values[phase == i]) if np.isfinite(values[phase == i]).any() else 0.0 for i in range(season)]
    )
    return np.asarray(values - usual[phase] + np.nanmedian(values))
