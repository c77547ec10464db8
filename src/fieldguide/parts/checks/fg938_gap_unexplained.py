"""FG938: is the rest part of the gap more than noise?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire
from fieldguide.parts.checks._gap import beyond


@dataclass(frozen=True)
class GapUnexplained:
    """What is left of the gap, after late labels, skew, feedback and drift of the features, is more than noise.

    Formula: score of the mature rows, weighted, by the offline path, less the offline score weighted to the same features; its interval
    excludes 0.

    Why: neither engineering nor who is asked explains it. Either the outcome comes about otherwise than it did, or its definition
    changed, or the promise was too good.

    Remedy: ask how outcomes are recorded now; retrain on the newest rows and compare (`fieldguide refresh`).

    Needs: gap (parts, metric_title).
    """

    name: ClassVar[str] = "fg938_gap_unexplained"
    code: ClassVar[str] = "FG938"
    title: ClassVar[str] = "The relation itself changed"
    step: ClassVar[str] = "gap"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, gap: Mapping[str, Any]) -> list[Finding]:
        part = beyond(self, gap, "rest")
        if isinstance(part, Finding):
            return [part]
        untold = [other["name"] for other in gap["parts"] if other["value"] is None]
        if untold:
            sentence = f"{part.said} is not explained; {' and '.join(untold)} could not be told and may be it."
            return [fire(self, sentence, "Make the other parts estimable first.", severity="info", evidence=part.facts)]
        sentence = f"Neither who is asked nor engineering explains {part.said}: the relation itself changed."
        remedy = "Ask how outcomes are recorded now; retrain on the newest rows and compare."
        return [fire(self, sentence, remedy, severity=part.severity, evidence=part.facts)]
