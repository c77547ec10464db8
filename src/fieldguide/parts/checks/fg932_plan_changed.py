"""FG932: is the plan the one that was recorded?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, passed


@dataclass(frozen=True)
class PlanChanged:
    """experiment.yaml is not what it was when the phase began.

    Formula: hash of the plan (all but its goal and stop rules) now against that of the start.

    Why: a measure or a level that is chosen after the data were seen proves nothing.

    Remedy: restore the plan; run a new experiment for the new question.

    Needs: judged (changed).
    """

    name: ClassVar[str] = "fg932_plan_changed"
    code: ClassVar[str] = "FG932"
    title: ClassVar[str] = "The plan was changed after the start"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        if judged["changed"]:
            sentence = "experiment.yaml was changed after the phase began: 1 plan was recorded, and another is judged."
            return [fire(self, sentence, "Restore the plan, or run a new experiment for the new question.")]
        return [passed(self, "The plan is the one that was recorded at the start.")]
