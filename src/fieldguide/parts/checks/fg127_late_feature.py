"""FG127: a feature that is known only after the moment of prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed
from fieldguide.parts.checks._contract import Held, features, held


@dataclass(frozen=True)
class LateFeature:
    """A feature that reaches a model and that the contract says is known only later than the prediction is made.

    Formula: `available: +2d` (s, m, h, d, w) is later by two days; `at prediction` and `-1d` are in time.

    Why: in the file the cell is filled; when the question is asked it is not. The score is of a model nobody can serve.

    Remedy: set `data.columns.<name>: ignore`, or take the value as it was known at the time.

    Needs: contract.
    """

    name: ClassVar[str] = "fg127_late_feature"
    code: ClassVar[str] = "FG127"
    title: ClassVar[str] = "Features used before they are available"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "error"

    @held
    def run(self, *, contract: Held) -> list[Finding]:
        late = [feature for feature in features(contract) if feature["delay"] > 0 and feature["used"]]
        findings = []
        for feature in late:
            name = feature["column"]
            sentence = f"{name!r} reaches a model and is available {feature['available']}, {_spoken(feature['delay'])} after the prediction is made."
            remedy = f"Set data.columns.{name}: ignore, or use what is known of it at the time."
            evidence = {"available": feature["available"], "seconds": feature["delay"], "exclude": [name]}
            findings.append(fire(self, sentence, remedy, columns=[name], evidence=evidence))
        return findings or [
            passed(self, f"{count(len(features(contract)), 'feature')} are available in time, or left out.")
        ]


def _spoken(seconds: int) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % length == 0:
            return count(seconds // length, unit)
    return count(seconds, "second")
