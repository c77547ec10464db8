"""FG363: times that do not stand on the step of their series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class IrregularTimes:
    """Times that lie between two steps of their series.

    Formula: times whose distance from the first one is no whole number of steps; the step is the most frequent distance of neighbours, or calendar months or
    weekdays where these fit. More than a tenth is an error: such series have no step.

    Why: a model sees steps, not times. A time between steps is moved to the nearest, and where two meet the later row counts.

    Remedy: sum or average the rows to a regular step.

    Source: standard.

    Needs: series.
    """

    name: ClassVar[str] = "fg363_irregular_times"
    code: ClassVar[str] = "FG363"
    title: ClassVar[str] = "Times off the step of their series"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, series: Mapping[str, Any]) -> list[Finding]:
        n = int(series["n_off_grid"])
        step = series["frequency"]["words"]
        if not n:
            return [passed(self, f"Every time stands on steps of {step}.")]
        sentence = f"{count(n, 'time')} of {int(series['n_rows']):,} {verb(n, 'stands', 'stand')} between steps of {step}, such as row {series['off_grid_rows'][0]}; the nearest step was taken."
        return [
            fire(
                self,
                sentence,
                "Sum or average the rows to a regular step.",
                evidence={"n": n, "rows": series["off_grid_rows"]},
            )
        ]
