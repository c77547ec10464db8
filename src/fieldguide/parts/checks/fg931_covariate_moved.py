"""FG931: is what was known before alike in both arms?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, verb


@dataclass(frozen=True)
class CovariateMoved:
    """Scores or outcomes from before the experiment differ between the arms, and so they were not used to take variance out.

    Formula: Welch's test of each covariate's mean between the arms, at 0.1 % over all of them.

    Why: what lies before the assignment cannot depend on it. Where it does, units were not dealt at random, or the "before" was
    altered by the arm; adjusting by it would carry the difference into the result.

    Remedy: find out how units came into the arms; run an A/A test.

    Needs: judged (covariates: {n, used, unbalanced: [{covariate, p}]}).
    """

    name: ClassVar[str] = "fg931_covariate_moved"
    code: ClassVar[str] = "FG931"
    title: ClassVar[str] = "What was known before differs between the arms"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        found = judged["covariates"]
        if not found["n"]:
            return [not_applicable(self, "Nothing is known from before the experiment.")]
        if not found["unbalanced"]:
            return [
                passed(self, f"{count(found['n'], 'covariate')} {verb(found['n'], 'is', 'are')} alike in both arms.")
            ]
        said = ", ".join(f"{one['covariate']} (p {one['p']:.2g})" for one in found["unbalanced"])
        sentence = f"{len(found['unbalanced'])} of {count(found['n'], 'covariate')} from before differ between the arms: {said}."
        return [fire(self, sentence, "Find out how units came into the arms; run an A/A test.", evidence=found)]
