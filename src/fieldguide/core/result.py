"""The result of a step: facts as plain data, findings, seconds. Compute, then render: faces read this and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from fieldguide.core.finding import Finding


@dataclass(frozen=True)
class Result:
    """What a step found.

    Args:
        step: name of the step.
        facts: plain data (JSON), everything later steps and faces need.
        findings: the evidence.
        seconds: wall time the step took [s].

    Examples:
        >>> Result("split", {"n_test": 15}).to_dict()["facts"]
        {'n_test': 15}
    """

    step: str
    facts: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    def to_dict(self) -> dict[str, Any]:
        return {
            "step": self.step, "facts": dict(self.facts), "findings": [f.to_dict() for f in self.findings],
            "seconds": round(self.seconds, 3),
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Result:
        return Result(data["step"], data["facts"], tuple(map(Finding.from_dict, data["findings"])), data["seconds"])

    def to_html(self) -> str:
        """Return the step's section of the report, drawn by the installed face."""
        (face,) = entry_points(group="fieldguide.faces", name="html")
        return face.load()(self)

    _repr_html_ = to_html

    def __str__(self) -> str:
        fired = [f for f in self.findings if f.fired]
        lines = [f"{self.step}: {self.facts.get('sentence', f'{len(fired)} findings')} ({self.seconds:.1f} s)"]
        return "\n".join(lines + [f"  {f.code} {f.severity}: {f.sentence}" for f in fired])
