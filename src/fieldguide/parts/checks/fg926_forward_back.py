"""FG926: do forward and back test agree?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed


@dataclass(frozen=True)
class ForwardBack:
    """The candidate's effect with a little of the traffic is not its effect with almost all of it.

    Formula: z = (d_forward - d_back) / sqrt(s_forward^2 + s_back^2), two-sided at alpha; or effects of opposite directions.

    Why: at 1 % the candidate lives on data, stock and users that the control shapes; at 99 % it shapes them itself. An effect that is
    real but changes with the share is one of feedback, of novelty or of a shared resource, and will not be what is shipped.

    Remedy: do not ship on the forward test. Let the back test run longer to tell novelty from feedback; look at the exploration share
    (`fieldguide gap`).

    Needs: verdict (agreement: {forward, back, p, same_direction, agree}, or None).
    """

    name: ClassVar[str] = "fg926_forward_back"
    code: ClassVar[str] = "FG926"
    title: ClassVar[str] = "Forward and back test disagree"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "error"

    alpha: float = setting(0.05, "level of the test")

    def run(self, *, verdict: Mapping[str, Any]) -> list[Finding]:
        found = verdict["agreement"]
        if found is None:
            return [not_applicable(self, "There is no forward and back test to compare.")]
        said = f"forward {number(found['forward'])}, back {number(found['back'])}"
        p = found["p"] if found["p"] is not None else 1.0
        if p <= self.alpha:
            sentence = f"Forward and back test disagree in size: {said} (p {p:.2g})."
            return [
                fire(
                    self,
                    sentence,
                    "Do not ship on the forward test: find what depends on the share of the traffic.",
                    evidence=found,
                )
            ]
        if not found["same_direction"]:
            sentence = f"Forward and back test point in different directions: {said} (p {p:.2g} of a difference)."
            return [
                fire(self, sentence, "Let both run until their noise is smaller.", severity="warning", evidence=found)
            ]
        return [passed(self, f"Forward and back test agree: {said} (p {p:.2g} of a difference).", found)]
