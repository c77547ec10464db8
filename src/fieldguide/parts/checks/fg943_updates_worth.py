"""FG943: are warm-start updates worth it, and how often?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, passed


@dataclass(frozen=True)
class UpdatesWorth:
    """On the log, warm-start updates by some schedule would have been better than none.

    Formula: the log is walked through in periods; a schedule answers each row by its latest update before the row, made of rows whose
    outcome was known by then. Schedules are compared on the same rows, paired, over units, at 1 - 0.05 / (number of schedules). From the
    least frequent on, a more frequent one is taken where it is better than the one before by reliably more than `success`.

    Why: an update that is not worth its risk should not be made, and a model that ages should not be left alone.

    Remedy: update by the schedule named, and keep judging: `fieldguide refresh` by that clock, each version into an experiment first.

    Needs: refresh (updates: {silence, recommended, why, schedules}).
    """

    name: ClassVar[str] = "fg943_updates_worth"
    code: ClassVar[str] = "FG943"
    title: ClassVar[str] = "Warm-start updates are worth it"
    step: ClassVar[str] = "refresh"
    severity: ClassVar[Severity] = "info"

    def run(self, *, refresh: Mapping[str, Any]) -> list[Finding]:
        updates = refresh.get("updates") or {"silence": "no schedule of updates was tried"}
        if updates["silence"]:
            return [not_applicable(self, f"No schedule is compared: {updates['silence']}.")]
        evidence = {"schedules": updates["schedules"], "recommended": updates["recommended"], "level": updates["level"]}
        if updates["recommended"] == "never":
            return [passed(self, f"Warm-start updates are not shown to be worth it: {updates['why']}.", evidence)]
        sentence = f"Warm-start updates are worth it, {updates['recommended']}: {updates['why']}."
        return [fire(self, sentence, f"Refresh {updates['recommended']} with --start warm.", evidence=evidence)]
