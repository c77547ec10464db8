"""FG811: whether forecast intervals hold as many sealed values as they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, passed, percent


@dataclass(frozen=True)
class IntervalCoverage:
    """Forecast intervals hold fewer sealed values than they say.

    Formula: the share of sealed values within the interval, with its own interval over whole horizons, against the stated level. It fires where that whole interval lies
    more than 5 points below the level (a warning) or more than 7 above it (a note).

    Why: who orders stock or staff for the upper end relies on it. Ends come from validation errors, and hold as long as errors stay as large.

    Remedy: treat the ends as too narrow; retrain more often, or bring what moved the series.

    Source: Lei et al. (2018), Distribution-free predictive inference for regression.

    Needs: facts.
    """

    name: ClassVar[str] = "fg811_interval_coverage"
    code: ClassVar[str] = "FG811"
    title: ClassVar[str] = "Coverage of the forecast intervals"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        forecasts = facts.get("forecasts")
        if forecasts is None:
            return [not_applicable(self, "The task is no forecast.")]

        found = forecasts["coverage"]
        level, share, (low, high) = found["level"], found["share"], found["interval"]
        said = f"{percent(share)} of {found['n']:,} sealed values lie within the {percent(level)} interval"
        if high is not None and high < level - 0.05:
            return [
                fire(
                    self,
                    f"Too few: {said}.",
                    "Treat the ends as too narrow; retrain more often, or bring what moved the series.",
                    evidence=found,
                )
            ]
        if low is not None and low > level + 0.07:
            return [
                fire(
                    self,
                    f"More than stated: {said}.",
                    "The ends are wider than they need to be; nothing is promised too much.",
                    severity="info",
                    evidence=found,
                )
            ]
        return [passed(self, f"As stated: {said}.", evidence=found)]
