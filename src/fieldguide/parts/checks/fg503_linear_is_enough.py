"""FG503: is a straight line as good as anything?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class LinearIsEnough:
    """The linear model is as good as boosting.

    Formula: the paired difference of boosting and the linear model on the validation rows. It fires unless the
    whole interval lies above 0.

    Why: what a network adds to a linear model is curves and interactions. Where boosting finds none worth having, a
    network has little to find, and the linear model is cheaper, faster and can be read.

    Remedy: prefer the linear model unless the refined network clearly beats it.

    Needs: bench, trials.
    """

    name: ClassVar[str] = "fg503_linear_is_enough"
    code: ClassVar[str] = "FG503"
    title: ClassVar[str] = "A linear model is enough"
    step: ClassVar[str] = "baseline"
    severity: ClassVar[Severity] = "info"

    def run(self, *, bench: Bench, trials: Sequence[Trial]) -> list[Finding]:
        by_name = {trial.name: trial for trial in trials}
        if "linear" not in by_name or "boosting" not in by_name:
            return [not_applicable(self, "Linear and boosting were not both tried.")]
        found = bench.compared(by_name["boosting"], by_name["linear"])
        value, (low, high) = real(found["value"]), ends(found["interval"])
        said = f"{number(value)} {span((low, high))}"
        if low > 0:
            return [
                passed(
                    self,
                    f"Boosting beats the linear model by {said}: the relation is not a straight line.",
                    evidence=found,
                )
            ]
        remedy = "Prefer the linear model unless the refined network clearly beats it."
        if high < 0:
            return [
                fire(
                    self,
                    f"The linear model beats boosting by {number(-value)} {span((-high, -low))}.",
                    remedy,
                    evidence=found,
                )
            ]
        return [
            fire(
                self,
                f"The linear model is as good as boosting: the difference of {said} may be chance.",
                remedy,
                evidence=found,
            )
        ]
