"""FG944: would updating have done harm?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, passed, span


@dataclass(frozen=True)
class UpdatesHarm:
    """On the log, warm-start updates by some schedule would have been worse than leaving the model alone.

    Formula: paired difference of each schedule to none on the same rows, over units, at 1 - 0.05 / (number of schedules); one of them lies below 0.

    Why: an update learns of few rows, of rows whose outcomes are still partly missing, and of the model's own choices. One that
    runs by a clock does its harm unseen.

    Remedy: update less often or not at all; wait longer for outcomes (`--wait`); look for what changed in the newest rows with `replay`.

    Needs: refresh (updates: {silence, schedules: [{name, difference: {value, interval}}]}).
    """

    name: ClassVar[str] = "fg944_updates_harm"
    code: ClassVar[str] = "FG944"
    title: ClassVar[str] = "Warm-start updates do harm"
    step: ClassVar[str] = "refresh"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, refresh: Mapping[str, Any]) -> list[Finding]:
        updates = refresh.get("updates") or {"silence": "no schedule of updates was tried"}
        if updates["silence"]:
            return [not_applicable(self, f"No schedule is compared: {updates['silence']}.")]
        worse = [s for s in updates["schedules"] if (s["difference"]["interval"][1] or 0.0) < 0]
        if not worse:
            return [passed(self, "No schedule of warm-start updates is shown to be worse than none.")]
        said = ", ".join(f"{s['name']} {span(s['difference']['interval'])}" for s in worse)
        return [
            fire(
                self,
                f"Warm-start updates would have been worse than none: {said} on {updates['n_judged']:,} rows.",
                "Update less often or not at all, or wait longer for outcomes (--wait).",
                evidence={"schedules": worse, "level": updates["level"]},
            )
        ]
