"""FG361: steps that are missing from series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, passed, percent, verb


@dataclass(frozen=True)
class SeriesGaps:
    """Steps that no row stands for, or whose value is missing.

    Formula: steps of the regular grid, between a series' first and last known value, without one; stretches of them are gaps.
    A warning where more than 1 % of the steps are missing, or where a gap is as long as the horizon.

    Why: a lag that counts rows is wrong behind a gap. Steps are put on a regular grid here; a missing one takes the last known value when
    it is looked at, and no target holds one, so that long gaps cost examples and flatten what models see.

    Remedy: find out whether nothing happened (then write 0) or nothing was recorded; bring the missing rows.

    Source: Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", section 13.9.

    Needs: series.
    """

    name: ClassVar[str] = "fg361_gaps"
    code: ClassVar[str] = "FG361"
    title: ClassVar[str] = "Steps missing from series"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(0.01, "share of the steps that may be missing before it is a warning")

    def run(self, *, series: Mapping[str, Any]) -> list[Finding]:
        n, total = int(series["n_missing"]), int(series["n_steps"])
        if not n:
            return [passed(self, f"None of {total:,} steps is missing.")]
        longest = series["gaps"][0]
        where = f"{longest['steps']:,} from {longest['from']} on in {longest['series']!r}"
        sentence = f"{count(n, 'step')} of {total:,} ({percent(n / total)}) {verb(n, 'is', 'are')} missing, in {count(int(series['n_gaps']), 'gap')}; the longest is {where}."
        severity: Severity = "warning" if n / total > self.most or longest["steps"] >= series["horizon"] else "info"
        remedy = "Write 0 where nothing happened; bring the rows where nothing was recorded."
        return [
            fire(
                self, sentence, remedy, severity=severity, evidence={"n": n, "share": n / total, "gaps": series["gaps"]}
            )
        ]
