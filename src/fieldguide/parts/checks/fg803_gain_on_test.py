"""FG803: does the gain over the baseline hold on the sealed rows?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class GainOnTest:
    """The gain of the chosen candidate over the best baseline, on rows neither has seen.

    Formula: the paired difference of the two packaged models on the sealed rows, with its interval, against
    `problem.success`.

    Why: this is the number the decision to ship hangs on. The gain on validation rows was partly luck of the
    search.

    Remedy: where the gain is not shown, ship the baseline, or an A/B test decides.

    Needs: problem, facts (difference: {chosen, bar, value, interval, n}).
    """

    name: ClassVar[str] = "fg803_gain_on_test"
    code: ClassVar[str] = "FG803"
    title: ClassVar[str] = "The gain over the baseline on the sealed rows"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        found = facts.get("difference")
        if not found:
            return [not_applicable(self, "The chosen candidate was not compared with a baseline.")]
        if found.get("chosen") == found.get("bar"):
            return [not_applicable(self, f"The chosen candidate is the best baseline, {found['bar']}.")]
        value, (low, high) = real(found["value"]), ends(found["interval"])
        success = problem.success
        names = f"{found.get('chosen', 'the chosen candidate')} against {found['bar']}"
        said = f"{names}: {number(value)} {span((low, high))} on {found.get('n', 0):,} sealed rows"
        wanted = f"the {number(success)} worth shipping" if success else "0"
        evidence = {**found, "success": success}
        if low > success:
            return [passed(self, f"The gain holds, above {wanted}; {said}.", evidence={**evidence, "verdict": "yes"})]
        if high < 0:
            sentence = f"The chosen candidate is worse than the baseline; {said}."
            return [
                fire(self, sentence, f"Ship the baseline ({found['bar']}).", evidence={**evidence, "verdict": "no"})
            ]
        if high < success:
            sentence = f"The gain is smaller than {wanted}; {said}."
            return [
                fire(
                    self,
                    sentence,
                    f"Ship the baseline ({found['bar']}).",
                    severity="info",
                    evidence={**evidence, "verdict": "no"},
                )
            ]
        sentence = f"The gain cannot be told from {wanted}; {said}."
        remedy = "Ship the cheaper of the two, or let an A/B test decide."
        return [fire(self, sentence, remedy, severity="info", evidence={**evidence, "verdict": "cannot tell"})]
