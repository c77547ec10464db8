"""FG936: is the skew part of the gap more than noise?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire
from fieldguide.parts.checks._gap import beyond


@dataclass(frozen=True)
class GapSkew:
    """The scores served differ from those the offline path gives for the same requests, and the metric feels it.

    Formula: score as served less score with the offline path's predictions, on the same mature rows; its interval excludes 0.

    Why: training and serving are to be one transform. A column that is made differently online is a bug, whatever it does to the
    score.

    Remedy: replay what was served and compare column by column (`fieldguide replay`).

    Needs: gap (parts, metric_title).
    """

    name: ClassVar[str] = "fg936_gap_skew"
    code: ClassVar[str] = "FG936"
    title: ClassVar[str] = "Served scores are not those of the offline path"
    step: ClassVar[str] = "gap"
    severity: ClassVar[Severity] = "error"

    def run(self, *, gap: Mapping[str, Any]) -> list[Finding]:
        part = beyond(self, gap, "skew")
        if isinstance(part, Finding):
            return [part]
        what = part.facts["what"]
        sentence = f"{what[0].upper()}{what[1:]}: {part.said}."
        remedy = "Replay what was served, and mend the column that differs."
        return [fire(self, sentence, remedy, severity=part.severity, evidence=part.facts)]
