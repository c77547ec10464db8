"""FG813: series whose forecasts are worse than their last values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class WorseSeries:
    """Series whose forecasts are worse than repeating their last value.

    Formula: the mean absolute error of each series on its sealed examples over that of repeating the last value. It fires where a series is worse by a tenth or more; a warning
    where a fifth of the series told of are.

    Why: one model of many series serves some at the cost of others.

    Remedy: forecast these series by `naive` or `seasonal_naive`, or bring what is particular to them under data.static.

    Source: standard (relative mean absolute error: Hyndman & Koehler 2006).

    Needs: facts.
    """

    name: ClassVar[str] = "fg813_worse_series"
    code: ClassVar[str] = "FG813"
    title: ClassVar[str] = "Series that are forecast worse than by repeating"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        forecasts = facts.get("forecasts")
        if forecasts is None:
            return [not_applicable(self, "The task is no forecast.")]

        told = [one for one in forecasts["by_series"] if one["ratio"] is not None]
        if forecasts["n_series"] < 2:
            return [not_applicable(self, "There is one series.")]
        worse = [one for one in told if one["ratio"] > 1.1]
        if not worse:
            return [
                passed(
                    self,
                    f"None of {count(len(told), 'series', 'series')} is forecast worse than by repeating its last value.",
                )
            ]
        first = worse[0]
        sentence = f"{count(len(worse), 'series', 'series')} of {len(told):,} {verb(len(worse), 'is', 'are')} forecast worse than by repeating the last value: {first['series']!r} by {percent(first['ratio'] - 1)}."
        severity: Severity = "warning" if len(worse) >= 0.2 * len(told) else "info"
        return [
            fire(
                self,
                sentence,
                "Forecast these by naive or seasonal_naive, or bring what is particular to them under data.static.",
                severity=severity,
                evidence={"series": worse},
            )
        ]
