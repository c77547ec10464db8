"""FG937: is the feedback part of the gap more than noise?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span


@dataclass(frozen=True)
class GapFeedback:
    """The score on what the model's decisions let through is not its score on what could have been seen.

    Formula: score of mature rows less the same weighted by 1 / propensity; its interval excludes 0.

    Why: a model that chooses what is shown is judged, and trained next, on its own choices: it confirms itself.

    Remedy: keep an exploration share for as long as the model serves, log propensities, and train on weighted rows.

    Source: Bottou et al. (2013), Counterfactual Reasoning and Learning Systems.

    Needs: gap (parts, metric_title).
    """

    name: ClassVar[str] = "fg937_gap_feedback"
    code: ClassVar[str] = "FG937"
    title: ClassVar[str] = "The model's own decisions chose what is seen"
    step: ClassVar[str] = "gap"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, gap: Mapping[str, Any]) -> list[Finding]:
        part = next(part for part in gap["parts"] if part["name"] == "feedback")
        if part["value"] is None:
            return [not_applicable(self, f"It cannot be told: {part['why']}.")]
        low, high = part["interval"]
        said = f"{number(part['value'])} of {gap['metric_title']}"
        if low is None or high is None or low <= 0 <= high:
            return [passed(self, f"Not beyond noise: {said}.", part)]
        worse = (part["value"] < 0) == bool(gap["greater_is_better"])
        sentence = f"{part['what'][0].upper()}{part['what'][1:]}: {said} {span((low, high))} of the gap."
        severity: Severity = self.severity if worse else "info"
        return [
            fire(
                self,
                sentence,
                "Keep an exploration share, and train on rows weighted by 1 / propensity.",
                severity=severity,
                evidence=part,
            )
        ]
