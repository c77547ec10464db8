"""FG310: can these rows show the gain that is asked for?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, skipped
from fieldguide.parts.checks._facts import real


@dataclass(frozen=True)
class Sensitivity:
    """A gain worth shipping that is smaller than what the development rows can tell from no gain.

    Formula: `z × standard error × sqrt(2 (1 - r))`, the half-width of the paired interval of two candidates whose
    errors correlate by r = .9, against `problem.success`.

    Why: a metric must be sensitive to the improvement one hopes for. If the smallest difference that can be seen is
    larger than the smallest worth having, "no difference" will be the answer whatever the network does.

    Remedy: collect more rows, choose a metric with less noise (log_loss sees more than accuracy), or ask for a
    larger gain.

    Needs: problem, profile (metrics: [{metric, title, smallest_difference}]).
    """

    name: ClassVar[str] = "fg310_sensitivity"
    code: ClassVar[str] = "FG310"
    title: ClassVar[str] = "A gain too small to be seen"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, problem: Problem, profile: Mapping[str, Any]) -> list[Finding]:
        metric = profile["metrics"][0]
        title, smallest = metric.get("title", metric["metric"]), real(metric["smallest_difference"])
        evidence = {"metric": metric["metric"], "smallest_difference": smallest, "success": problem.success}
        if not smallest >= 0:
            return [
                skipped(
                    self,
                    f"The smallest difference in {title} that these rows can tell is not known.",
                    evidence=evidence,
                )
            ]
        if not problem.success:
            text = (
                f"These rows can tell differences in {title} from about {number(smallest)}; problem.success does "
                "not say what is worth having."
            )
            return [not_applicable(self, text, evidence=evidence)]
        if smallest > problem.success:
            sentence = (
                f"A gain of {number(problem.success)} in {title} is worth shipping, "
                f"but these rows can tell differences only from about {number(smallest)}."
            )
            return [
                fire(
                    self,
                    sentence,
                    "Collect more rows, choose a less noisy metric, or ask for a larger gain.",
                    evidence=evidence,
                )
            ]
        text = (
            f"These rows can tell differences in {title} from about {number(smallest)}, less than the "
            f"{number(problem.success)} worth shipping."
        )
        return [passed(self, text, evidence=evidence)]
