"""Findings: pieces of evidence with an address.

Knows codes, severities and statuses; the checks that make findings are parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
Status = Literal["fired", "passed", "not_applicable", "skipped"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One piece of evidence: what was found, where, and what to do about it; or a typed silence.

    Args:
        code: stable address, `FG` and three digits; the docs have a section for each.
        severity: how much it matters when it fires.
        sentence: one sentence with numbers; for a silence, why there is nothing to say.
        status: `fired`, or a silence: `passed`, `not_applicable`, `skipped`.
        remedy: what to do, one sentence.
        columns: the columns it is about.
        step: the step that found it (set by the step).
        evidence: the numbers behind the sentence, as plain data.

    Examples:
        >>> Finding("FG203", "warning", "12 rows stand twice.", remedy="Nothing: they were kept together.").docs
        'findings/#fg203'
    """

    code: str
    severity: Severity
    sentence: str
    status: Status = "fired"
    remedy: str = ""
    columns: tuple[str, ...] = ()
    step: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def docs(self) -> str:
        return f"findings/#{self.code.lower()}"

    @property
    def fired(self) -> bool:
        return self.status == "fired"

    def to_dict(self) -> dict[str, Any]:
        return {
            "code": self.code, "severity": self.severity, "status": self.status, "step": self.step,
            "columns": list(self.columns), "sentence": self.sentence, "remedy": self.remedy, "docs": self.docs,
            "evidence": dict(self.evidence),
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Finding:
        return Finding(
            code=data["code"], severity=data["severity"], sentence=data["sentence"], status=data["status"],
            remedy=data["remedy"], columns=tuple(data["columns"]), step=data["step"], evidence=data.get("evidence", {}),
        )  # fmt: skip
