"""FG364: series whose level changed for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, number, passed, verb


@dataclass(frozen=True)
class SeriesLevelShift:
    """Series whose level changed at one step and stayed there.

    Formula: the split of the development steps that leaves the least squares, against a straight line; the difference of the two means in standard errors that
    grow with the autocorrelation of what is left. It fires from 4.5 standard errors and one standard deviation on, and not for series that wander
    (autocorrelation above 0.7) or rise.

    Why: what was learned before the shift may not hold behind it, and a change of meter, price list or definition looks like this.

    Remedy: find out what happened then; start the series behind it, or bring a known column that says so.

    Source: Andrews (1993), Tests for Parameter Instability and Structural Change with Unknown Change Point.

    Needs: series.
    """

    name: ClassVar[str] = "fg364_level_shift"
    code: ClassVar[str] = "FG364"
    title: ClassVar[str] = "Level shifts"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, series: Mapping[str, Any]) -> list[Finding]:
        found = sorted(
            (one for one in series["described"] if one["shift"] is not None), key=lambda one: -one["shift"]["t"]
        )
        looked = len(series["described"])
        if not found:
            return [passed(self, f"None of {count(looked, 'series', 'series')} shifts its level.")]
        first = found[0]
        shift = first["shift"]
        sentence = (
            f"{count(len(found), 'series', 'series')} of {looked:,} {verb(len(found), 'shifts its', 'shift their')} level: {first['series']!r} from {number(shift['before'])} to "
            f"{number(shift['after'])} at {shift['at']} ({abs(shift['size']):.1f} standard deviations)."
        )
        evidence = {"series": [{"series": one["series"], **one["shift"]} for one in found[:20]], "n": looked}
        return [
            fire(
                self,
                sentence,
                "Find out what happened then; start the series behind it, or bring a known column that says so.",
                columns=[],
                evidence=evidence,
            )
        ]
