"""FG929: how many units are too young to be judged?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, percent


@dataclass(frozen=True)
class YoungUnits:
    """Many units were met so recently that their outcomes had no time to come; they are left out of every effect.

    Formula: units younger than window + wait, or than the time after which 95 % of the outcomes that come at all are recorded
    (Kaplan-Meier), as a share of all; a fifth or more is told. Where no window is set and every answer has its outcome, no unit is young.

    Why: a young unit without an outcome looks like one that never has it. Were it counted, every recent day would look bad, and an arm
    with slower outcomes would lose.

    Remedy: none needed: wait. Stop dealing and wait once more before the verdict.

    Needs: judged (n_units, n_mature, delay).
    """

    name: ClassVar[str] = "fg929_young_units"
    code: ClassVar[str] = "FG929"
    title: ClassVar[str] = "Units too young to be judged"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "info"

    share: float = setting(0.2, "share of young units from which it is told")

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        n, young = judged["n_units"], judged["n_units"] - judged["n_mature"]
        if not n:
            return [not_applicable(self, "No unit was seen yet.")]
        share = young / n
        delay = judged["delay"]
        age = f" (younger than {number(delay['age_days'])} days)" if delay is not None and delay["age_days"] else ""
        evidence = {"n": n, "young": young, "share": share}
        if share < self.share:
            return [passed(self, f"{percent(share)} of {n:,} units are too young to be judged{age}.", evidence)]
        sentence = f"{young:,} of {n:,} units are too young to be judged{age}; they are in no effect."
        return [fire(self, sentence, "Wait for their outcomes.", evidence=evidence)]
