"""FG925: is a guardrail breached?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, span


@dataclass(frozen=True)
class Guardrail:
    """A measure that must not get worse is shown to be worse in the candidate's arm by more than its margin.

    Formula: the interval of the loss lies beyond the margin and the corrected p-value is at most alpha; always-valid before the
    planned end.

    Why: a gain in the measure that decides may be bought by a loss elsewhere, such as slower answers or more complaints.

    Remedy: stop the phase and keep the control; mend what is worse.

    Needs: judged (breached, measures, always).
    """

    name: ClassVar[str] = "fg925_guardrail"
    code: ClassVar[str] = "FG925"
    title: ClassVar[str] = "Guardrail breached"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "error"

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        breached = [one for one in judged["measures"] if one["name"] in judged["breached"]]
        if not breached:
            guards = [one for one in judged["measures"] if one["role"] == "guardrail"]
            if not guards:
                return [not_applicable(self, "No measure is a guardrail.")]
            return [passed(self, f"None of {count(len(guards), 'guardrail')} is shown to be breached.")]
        findings = []
        for one in breached:
            ends = one["always_interval"] if judged["always"] else one["interval"]
            sentence = (
                f"The guardrail {one['name']!r} is worse by more than {number(one['margin'])}: {number(one['control'])} in the control, "
                f"{number(one['candidate'])} in the candidate, difference {number(one['value'])} {span(ends)}."
            )
            findings.append(fire(self, sentence, "Stop the phase and keep the control.", evidence=one))
        return findings
