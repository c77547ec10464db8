"""FG157: windows that begin before the events do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, names, not_applicable, passed, percent


@dataclass(frozen=True)
class CutWindows:
    """Features whose window begins, for some units, before the first event of their table.

    Formula: share of the units with t − window < time of the table's first event, per feature.

    Why: for these units "the last 90 days" are fewer, so that counts and sums are small for a reason that has to do with
    the record and not with the unit. A model learns the age of the record, and early rows drift from late ones.

    Remedy: begin with predictions a window after the record (`units.start`), or shorten the window.

    Needs: joined.
    """

    name: ClassVar[str] = "fg157_cut_windows"
    code: ClassVar[str] = "FG157"
    title: ClassVar[str] = "Windows that begin before the record"
    step: ClassVar[str] = "join"
    severity: ClassVar[Severity] = "warning"

    least: float = setting(0.01, "share of the units from which it is told")
    most: float = setting(0.1, "share of the units from which it is a warning")

    def run(self, *, joined: Mapping[str, Any]) -> list[Finding]:
        windowed = {
            f["name"]: f["cut"] for table in joined["tables"] for f in table["features"] if f["window_days"] is not None
        }
        if not windowed:
            return [not_applicable(self, "No feature has a window.")]
        cut = {name: share for name, share in windowed.items() if share >= self.least and share < 1}
        if not cut:
            return [passed(self, "Every window lies within the record of its table.", {"cut": windowed})]
        worst = max(cut, key=lambda name: cut[name])
        sentence = (
            f"The window of {names(cut)} begins before the first event of the table for up to {percent(cut[worst])} of the "
            f"{joined['n_units']:,} units: they are counted over a shorter time than the others."
        )
        severity: Severity = "warning" if cut[worst] >= self.most else "info"
        remedy = "Begin predictions a window after the first event (units.start), or shorten the window."
        return [fire(self, sentence, remedy, severity=severity, columns=sorted(cut), evidence={"cut": cut})]
