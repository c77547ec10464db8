"""FG366: whether the season is in the series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, passed, skipped


@dataclass(frozen=True)
class SeasonInEvidence:
    """Whether the season that is used is in the series, or another one is.

    Formula: the median over series of the correlation of development steps with those a season before, the slow course taken out. It fires where that is below
    0.1, or where another usual season of the frequency has 0.15 more.

    Why: the seasonal rule, theta, exponential smoothing and MASE all stand on the season.

    Remedy: set problem.season; 1 where there is none.

    Source: standard (the autocorrelation function).

    Needs: series.
    """

    name: ClassVar[str] = "fg366_season"
    code: ClassVar[str] = "FG366"
    title: ClassVar[str] = "The season in evidence"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    def run(self, *, series: Mapping[str, Any]) -> list[Finding]:
        season, found = (
            str(series["season"]),
            {lag: value for lag, value in series["seasons"].items() if value is not None},
        )
        if series["season"] < 2:
            strong = [lag for lag, value in found.items() if value > 0.4]
            if strong:
                return [
                    fire(
                        self,
                        f"No season is used, and steps {strong[0]} apart correlate by {found[strong[0]]:.2f}.",
                        f"Set problem.season: {strong[0]}.",
                        evidence=found,
                    )
                ]
            return [
                not_applicable(self, "No season is used, and none of the usual ones is in evidence.", evidence=found)
            ]
        own = found.get(season)
        if own is None:
            return [skipped(self, f"The series are too short to see a season of {season} steps.")]
        best = max(found, key=lambda lag: found[lag])
        if best != season and found[best] > own + 0.15:
            sentence = (
                f"Steps a season of {season} apart correlate by {own:.2f}, those {best} apart by {found[best]:.2f}."
            )
            return [
                fire(self, sentence, f"Set problem.season: {best}, if that is the season that matters.", evidence=found)
            ]
        if own < 0.1:
            sentence = f"Steps a season of {season} apart hardly correlate ({own:.2f}): the season is not in evidence."
            return [fire(self, sentence, "Set problem.season: 1, or the season that the series have.", evidence=found)]
        return [passed(self, f"Steps a season of {season} apart correlate by {own:.2f}.", evidence=found)]
