"""The seasonal rule: as it was a season ago.

Knows the length of the season, which a person gives or the frequency suggests; learns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from fieldguide.core.batch import Encoded
from fieldguide.core.contracts import Effort
from fieldguide.parts.learners._history import horizon_of, length_of
from fieldguide.parts.learners._simple import SimpleForecast, season_setting
from fieldguide.parts.learners.naive import Repeated


@dataclass(frozen=True)
class SeasonalNaive(SimpleForecast):
    """Repeat the last season; where a window is shorter than one, the last value.

    Source:
        Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", section 5.2.

    Examples:
        >>> SeasonalNaive(season=24).season
        24
    """

    name: ClassVar[str] = "seasonal_naive"

    season: int = season_setting()

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Repeated:
        """Take the horizon and the season; nothing else is read."""
        length_of(train.batch)
        return Repeated(horizon_of(train), max(1, self.season))

    def load(self, folder: Path, data: Mapping[str, Any]) -> Repeated:
        return Repeated(int(data["horizon"]), int(data["season"]))
