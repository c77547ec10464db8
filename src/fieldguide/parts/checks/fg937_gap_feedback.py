"""FG937: is the feedback part of the gap more than noise?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire
from fieldguide.parts.checks._gap import beyond


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
        part = beyond(self, gap, "feedback")
        if isinstance(part, Finding):
            return [part]
        what = part.facts["what"]
        sentence = f"{what[0].upper()}{what[1:]}: {part.said}."
        remedy = "Keep an exploration share, and train on rows weighted by 1 / propensity."
        return [fire(self, sentence, remedy, severity=part.severity, evidence=part.facts)]
