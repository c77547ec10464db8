"""FG801: how often the sealed rows were looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed


@dataclass(frozen=True)
class Looks:
    """More than one look at the sealed test set.

    Formula: the number of times this seal was opened, as the journal counts them.

    Why: after the first look, choices can follow the test score, on purpose or not. Every further number on these
    rows is too good by an amount that nobody can compute. So the count stands beside the number, for ever.

    Remedy: none for this test set. A number that can be trusted needs rows nobody has judged on: collect new ones.

    Needs: facts (looks: [{time, reason, by}], this one last).
    """

    name: ClassVar[str] = "fg801_looks"
    code: ClassVar[str] = "FG801"
    title: ClassVar[str] = "Looks at the sealed rows"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        looks = [dict(look) for look in facts.get("looks") or ()]
        if not looks:
            return [not_applicable(self, "The seal is closed: nobody has looked at the test set.")]
        if len(looks) == 1:
            return [passed(self, "This is the first look at the sealed rows.", evidence={"looks": looks})]
        reasons = listed(
            (f"look {i}: {look.get('reason') or 'no reason given'}" for i, look in enumerate(looks[1:], 2)), 4
        )
        sentence = (
            f"The sealed rows were looked at {count(len(looks), 'time')} ({reasons}); every look after the "
            "first flatters the score."
        )
        return [
            fire(
                self,
                sentence,
                "Collect new rows for a number that can be trusted as the first one could.",
                evidence={"looks": looks},
            )
        ]
