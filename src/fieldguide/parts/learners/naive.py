"""The trivial forecast: it stays as it is.

Knows the last value of each window; learns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.parts.learners._history import horizon_of, length_of
from fieldguide.parts.learners._simple import SimpleForecast, answered


@dataclass(frozen=True)
class Naive(SimpleForecast):
    """Repeat the last known value at every step of the horizon.

    Nothing beats it on a random walk, and many published networks did not on exchange rates. So it may be chosen and shipped, which
    a trivial rule may not.

    Source:
        Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", section 5.2.

    Examples:
        >>> Naive().kind
        'simple'
    """

    name: ClassVar[str] = "naive"

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Repeated:
        """Take the horizon; nothing else is read."""
        length_of(train.batch)
        return Repeated(horizon_of(train))

    def load(self, folder: Path, data: Mapping[str, Any]) -> Repeated:
        return Repeated(int(data["horizon"]), int(data["season"]))


@dataclass(frozen=True)
class Repeated:
    """The last `season` values, over and over.

    Args:
        horizon: steps to forecast.
        season: values that are repeated; more than a window holds: its last one only.
    """

    horizon: int
    season: int = 1
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return the forecast.

        Shape:
            returns[0]: (rows, horizon) float64
        """
        season = self.season if self.season <= length_of(batch) else 1
        places = np.arange(self.horizon) % season - season
        return answered(batch, season, self.horizon, lambda past: past[:, places])

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        return {"horizon": self.horizon, "season": self.season}
