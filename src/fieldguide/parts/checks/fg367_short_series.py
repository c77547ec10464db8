"""FG367: series that make no example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class ShortSeries:
    """Series that are shorter than a window and a horizon, or hold no value.

    Formula: series without a single origin that has a whole window before it and a whole target behind.

    Why: nothing is learned from them and nothing is judged on them; what the score says, it says of the others. A model answers them all the same.

    Remedy: take a shorter problem.window or horizon, or leave these series to a simpler rule.

    Source: standard.

    Needs: series.
    """

    name: ClassVar[str] = "fg367_short_series"
    code: ClassVar[str] = "FG367"
    title: ClassVar[str] = "Series too short to be learned from"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, series: Mapping[str, Any]) -> list[Finding]:
        short, empty = int(series["n_short"]), len(series["empty"])
        if not short and not empty:
            return [passed(self, f"Every one of {count(int(series['n_series']), 'series', 'series')} makes examples.")]
        names = [*series["short"], *series["empty"]]
        sentence = (
            f"{count(short + empty, 'series', 'series')} of {int(series['n_series']) + empty:,} {verb(short + empty, 'makes', 'make')} no example of {series['window']:,} steps and {series['horizon']:,} "
            f"ahead: {listed(map(repr, names), 4)}."
        )
        return [
            fire(
                self,
                sentence,
                "Take a shorter problem.window, or leave these series to a simpler rule.",
                evidence={"short": series["short"], "empty": series["empty"], "n": short + empty},
            )
        ]
