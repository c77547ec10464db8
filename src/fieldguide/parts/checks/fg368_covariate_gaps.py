"""FG368: values missing of columns that stand beside series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent


@dataclass(frozen=True)
class CovariateGaps:
    """Values missing of columns that are known beforehand, or seen beside a series.

    Formula: for each column of data.known_future and data.observed, the share of steps without a value, between the first value of a
    series and its last. A warning where it is more than 5 % of a column.

    Why: a missing value takes the last one before it, in training and in use. A campaign that is written as empty where there was none
    never ends that way, and what models learn of the column is weaker than the column is. Of the coming steps, columns that are known
    beforehand must have every value: without one no forecast is made.

    Remedy: write 0 where nothing happened; bring the values where nothing was recorded; leave out a column that is mostly empty.

    Source: Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", section 13.9.

    Needs: series.
    """

    name: ClassVar[str] = "fg368_covariate_gaps"
    code: ClassVar[str] = "FG368"
    title: ClassVar[str] = "Values missing beside series"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(0.05, "share of a column's steps that may lack a value before it is a warning")

    def run(self, *, series: Mapping[str, Any]) -> list[Finding]:
        beside = series["beside"]
        if not beside:
            return [not_applicable(self, "No column stands beside the series.")]
        gaps = sorted(
            (one for one in beside if one["n_missing"]), key=lambda one: one["n_missing"] / one["n_steps"], reverse=True
        )
        if not gaps:
            return [passed(self, f"{count(len(beside), 'column')} beside the series: no value is missing.")]
        said = [
            f"{one['column']!r} ({one['role']}) {percent(one['n_missing'] / one['n_steps'])} of the steps"
            for one in gaps
        ]
        worst = gaps[0]["n_missing"] / gaps[0]["n_steps"]
        return [
            fire(
                self,
                f"Values are missing beside the series, and each takes the last one before it: {listed(said, 4)}.",
                "Write 0 where nothing happened; bring the values where nothing was recorded.",
                severity="warning" if worst > self.most else "info",
                columns=[one["column"] for one in gaps],
                evidence={"columns": gaps},
            )
        ]
