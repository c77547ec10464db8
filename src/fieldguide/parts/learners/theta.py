"""The theta method: a smoothed level, half of the straight line's slope, and the season put back.

Knows how the smoothing parameter is estimated (statsforecast's Theta) and that all windows share it; forecasting needs no
statsforecast.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.settings import setting
from fieldguide.parts.learners._history import horizon_of, length_of
from fieldguide.parts.learners._simple import SimpleForecast, answered, season_setting
from fieldguide.parts.learners._smoothing import estimated, models, smoothed


@dataclass(frozen=True)
class Theta(SimpleForecast):
    """Simple exponential smoothing with drift on the window less its seasonal means.

    Source:
        Assimakopoulos & Nikolopoulos (2000), The theta model; as smoothing with drift: Hyndman & Billah (2003). The season is added here,
        where the original multiplies, so that a forecast follows its series when it is shifted.

    Examples:
        >>> Theta(season=12).season
        12
    """

    name: ClassVar[str] = "theta"

    season: int = season_setting()
    window: int = setting(336, "steps of the past that are looked at [steps]")

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> ThetaEstimator:
        """Estimate the smoothing parameter. Raises MissingExtra where statsforecast is not installed."""
        found, window = models(), min(self.window, length_of(train.batch))
        season = self.season if window >= 2 * self.season else 1

        def estimate(values: np.ndarray) -> dict[str, float]:
            plain, _ = deseasonalised(values[None], season)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fitted = found.Theta(season_length=1).fit(plain[0].astype(np.float64)).model_
            return {"alpha": float(fitted["par"]["alpha"])}

        alpha = estimated(train, window, estimate).get("alpha", 0.5)
        return ThetaEstimator(alpha if np.isfinite(alpha) else 0.5, season, window, horizon_of(train))

    def load(self, folder: Path, data: Mapping[str, Any]) -> ThetaEstimator:
        return ThetaEstimator(float(data["alpha"]), int(data["season"]), int(data["window"]), int(data["horizon"]))


@dataclass(frozen=True)
class ThetaEstimator:
    """One smoothing parameter, for every window."""

    alpha: float
    season: int
    window: int
    horizon: int
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return the forecast.

        Shape:
            returns[0]: (rows, horizon) float64
        """
        return answered(batch, self.window, self.horizon, self._forecast)

    def _forecast(self, past: np.ndarray) -> np.ndarray:
        plain, seasons = deseasonalised(past, self.season)
        n = plain.shape[1]
        time = np.arange(n) - (n - 1) / 2
        slope = plain @ time / max(float(time @ time), 1.0)
        ahead = np.arange(1, self.horizon + 1) - 1 + (1 - (1 - self.alpha) ** n) / max(self.alpha, 1e-6)
        level = smoothed(plain, 1, alpha=self.alpha)
        drifting: np.ndarray = level + 0.5 * slope[:, None] * ahead
        return drifting + seasons[:, (n + np.arange(self.horizon)) % self.season]

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        return {"alpha": self.alpha, "season": self.season, "window": self.window, "horizon": self.horizon}


def deseasonalised(windows: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Return windows less their seasonal means, and these: (rows, steps), (rows, season).

    Seasonal means are taken of what a straight line leaves, over whole seasons, the newest; they sum to 0.

    Examples:
        >>> plain, seasons = deseasonalised(np.array([[1.0, 3.0, 1.0, 3.0]]), 2)
        >>> plain.tolist(), seasons.tolist()
        ([[2.0, 2.0, 2.0, 2.0]], [[-1.0, 1.0]])
    """
    rows, n = windows.shape
    if season < 2 or n < 2 * season:
        return windows, np.zeros((rows, max(1, season)))
    whole = n // season
    newest = windows[:, n - whole * season :]
    apart = newest.reshape(rows, whole, season)
    course = apart.mean(2)
    slope = (course[:, -1] - course[:, 0]) / max((whole - 1) * season, 1)
    line = slope[:, None] * (np.arange(season) - (season - 1) / 2)
    off = apart.mean(1) - apart.mean((1, 2))[:, None] - line
    seasons = np.roll(off, (n - whole * season) % season, axis=1)
    return windows - seasons[:, np.arange(n) % season], seasons
