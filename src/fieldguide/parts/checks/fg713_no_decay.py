"""FG713: no ageing is seen, and how much of it could have been missed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.core.statistics.periods import in_periods
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class NoDecay:
    """Old models are as good as fresh ones, as far as these rows can tell.

    Formula: the upper end of the interval of the mean added loss over all ages seen (see FG711): more decay than that
    would have been seen, in 39 of 40 cases.

    Why: no decay shown is not no decay. The bound says what is left possible; if it is more than `problem.success`, the
    rows were too few, or the periods too short, to rest on it.

    Remedy: the least frequent retraining will do while the bound is small; keep watching the score, because the future
    may move where the past did not.

    Needs: problem, facts (decay: {value, interval, p}; oldest, period, title, or silence).
    """

    name: ClassVar[str] = "fg713_no_decay"
    code: ClassVar[str] = "FG713"
    title: ClassVar[str] = "No ageing is seen"
    step: ClassVar[str] = "recency"
    severity: ClassVar[Severity] = "info"

    alpha: float = setting(0.025, "one-sided level of the test")

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        if facts.get("silence"):
            return [not_applicable(self, f"Nothing can be said of ageing: {facts['silence']}.")]
        never = facts["decay"]
        high, p = ends(never["interval"])[1], real(never["p"])
        evidence = {"bound": high, "p": p}
        if math.isnan(p):
            return [not_applicable(self, "Nothing can be said of ageing: too few periods could be judged.")]
        if p <= self.alpha:
            return [passed(self, "The answer ages: see FG711.", evidence=evidence)]
        bound = max(0.0, high)
        return [
            fire(
                self,
                f"No ageing is seen over {in_periods(facts['oldest'], facts['period'])}; a mean loss of more than "
                f"{number(bound)} {facts['title']} would have been.",
                "Retrain when there is a reason to, and keep watching the score."
                if bound <= problem.success or not problem.success
                else "Collect a longer history before resting on this: the bound is above problem.success.",
                evidence=evidence,
            )
        ]
