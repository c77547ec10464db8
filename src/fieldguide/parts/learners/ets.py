"""Exponential smoothing: a level, a trend and a season that follow the errors.

Knows how smoothing parameters are estimated (statsforecast's AutoETS, additive forms) and that all windows share them; the
recursions are `_smoothing`'s, and forecasting needs no statsforecast.
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

LONGEST_SEASON = 24
"""A longer season has more states than a window can say; its season is taken as none."""


@dataclass(frozen=True)
class Ets(SimpleForecast):
    """Additive exponential smoothing, with and without trend, damping and season, the form by AICc.

    Parameters are estimated on eight windows spread over the training examples; every window then starts its own states.

    Source:
        Hyndman, Koehler, Ord, Snyder (2008), Forecasting with Exponential Smoothing.

    Examples:
        >>> Ets(season=12).season
        12
    """

    name: ClassVar[str] = "ets"

    season: int = season_setting()
    window: int = setting(336, "steps of the past that are looked at [steps]")

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Smoothing:
        """Estimate the smoothing parameters. Raises MissingExtra where statsforecast is not installed."""
        found, window = models(), min(self.window, length_of(train.batch))
        season = self.season if self.season <= LONGEST_SEASON and window >= 3 * self.season else 1

        def estimate(values: np.ndarray) -> dict[str, float]:
            form = "AZA" if season > 1 else "AZN"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fitted = found.AutoETS(season_length=season, model=form).fit(values.astype(np.float64)).model_
            alpha, beta, gamma, phi = (float(p) for p in fitted["par"][:4])
            trended = fitted["components"][1] != "N"
            return {
                "alpha": alpha, "beta": beta if trended else 0.0, "gamma": gamma if season > 1 else 0.0,
                "phi": phi if trended and np.isfinite(phi) else 1.0,
            }  # fmt: skip

        parameters = {
            name: value if np.isfinite(value) else 0.0 for name, value in estimated(train, window, estimate).items()
        }
        return Smoothing({"alpha": 0.5, **parameters}, season, window, horizon_of(train))

    def load(self, folder: Path, data: Mapping[str, Any]) -> Smoothing:
        return Smoothing(dict(data["parameters"]), int(data["season"]), int(data["window"]), int(data["horizon"]))


@dataclass(frozen=True)
class Smoothing:
    """Smoothing parameters, for every window."""

    parameters: Mapping[str, float]
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

        def forecast(past: np.ndarray) -> np.ndarray:
            return smoothed(past, self.horizon, season=self.season, **self.parameters)

        return answered(batch, self.window, self.horizon, forecast)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        return {
            "parameters": dict(self.parameters),
            "season": self.season,
            "window": self.window,
            "horizon": self.horizon,
        }
