"""Exponential smoothing of many windows at once.

Knows states and their recursions, with parameters that are given: how much of a surprise the level, the trend and the season take
up. States start from each window's own first seasons, so that windows may begin anywhere in a season and on any scale.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fieldguide.core.batch import Encoded
from fieldguide.core.errors import MissingExtra
from fieldguide.parts.learners._history import history

SAMPLED = 8
"""Training windows on which parameters are estimated; their medians are used for all."""


def smoothed(
    windows: np.ndarray,
    horizon: int,
    *,
    alpha: float,
    beta: float = 0.0,
    gamma: float = 0.0,
    phi: float = 1.0,
    season: int = 1,
) -> np.ndarray:
    """Return the forecast of additive exponential smoothing.

    Args:
        alpha, beta, gamma: shares of a step's error that level, trend and season take up.
        phi: by which the trend is damped each step.
        season: steps of a season; 1: none.

    Shape:
        windows: (rows, steps); returns: (rows, horizon)

    Source:
        Hyndman, Koehler, Ord, Snyder (2008), Forecasting with Exponential Smoothing, the innovations form.

    Examples:
        >>> smoothed(np.array([[1.0, 1.0, 5.0]]), 2, alpha=0.5).tolist()
        [[3.0, 3.0]]
    """
    n = windows.shape[1]
    season = season if n >= 2 * season else 1
    level, trend, seasons = _start(windows, season, bool(beta))
    for step in range(n):
        place = step % season
        error = windows[:, step] - (level + phi * trend + seasons[:, place])
        level = level + phi * trend + alpha * error
        trend = phi * trend + beta * error
        seasons[:, place] += gamma * error
    damped = np.cumsum(phi ** np.arange(1, horizon + 1))
    places = (n + np.arange(horizon)) % season
    return np.asarray(level[:, None] + trend[:, None] * damped + seasons[:, places])


def _start(windows: np.ndarray, season: int, trended: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return level, trend and seasons before the first step of each window."""
    rows, n = windows.shape
    if season > 1:
        first, second = windows[:, :season].mean(1), windows[:, season : 2 * season].mean(1)
        trend = (second - first) / season if trended else np.zeros(rows)
        course = first[:, None] + trend[:, None] * (np.arange(2 * season) - (season - 1) / 2)
        off = (windows[:, : 2 * season] - course).reshape(rows, 2, season).mean(1)
        return first - trend * (season + 1) / 2, trend, off - off.mean(1, keepdims=True)
    few = min(n, 10)
    trend = (windows[:, few - 1] - windows[:, 0]) / max(few - 1, 1) if trended else np.zeros(rows)
    return windows[:, 0] - trend, trend, np.zeros((rows, 1))


def estimated(train: Encoded, window: int, estimate: Callable[[np.ndarray], dict[str, float]]) -> dict[str, float]:
    """Return the medians of what some training windows, spread over all of them, are estimated at."""
    rows = np.unique(np.linspace(0, len(train) - 1, min(SAMPLED, len(train))).astype(int))
    found = [estimate(values) for values in history(train.batch.take(rows), window) if np.ptp(values) > 0]
    names = sorted({name for one in found for name in one})
    return {name: float(np.median([one.get(name, 0.0) for one in found])) for name in names}


def models() -> Any:
    """Return statsforecast's models.

    Raises:
        MissingExtra: the package is not installed.
    """
    try:
        from statsforecast import models as found
    except ImportError:
        raise MissingExtra("statsforecast", "forecast", "fitting ets and theta") from None
    return found
