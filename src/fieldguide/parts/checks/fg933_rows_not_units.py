"""FG933: how much too sure would a test over rows be?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed


@dataclass(frozen=True)
class RowsNotUnits:
    """Rows of one unit are so alike that a test that counts rows would be far too sure; all figures here are over units.

    Formula: standard error of the rate over units (delta method) / that of independent rows; told from 1.5 on.

    Why: somebody will divide clicks by impressions and use the formula of a share. With this ratio their 95 % interval covers far less.

    Remedy: none needed here; use these intervals.

    Source: Deng, Knoblich, Lu (2018), Applying the Delta Method in Metric Analytics.

    Needs: judged (naive: {rows_per_unit, understated}, or None).
    """

    name: ClassVar[str] = "fg933_rows_not_units"
    code: ClassVar[str] = "FG933"
    title: ClassVar[str] = "Rows are not units"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "info"

    ratio: float = setting(1.5, "ratio of the errors from which it is told")

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        naive = judged["naive"]
        if naive is None:
            return [not_applicable(self, "Every unit has one row, or the measure is no rate of rows.")]
        if naive["understated"] < self.ratio:
            return [
                passed(
                    self, f"Rows of a unit hardly depend on each other (error ratio {naive['understated']:.2f}).", naive
                )
            ]
        sentence = (
            f"With {number(naive['rows_per_unit'])} rows a unit, a test over rows would understate the error {naive['understated']:.2f} times; "
            "the figures here are over units."
        )
        return [fire(self, sentence, "Use the intervals over units.", evidence=naive)]
