"""FG948: do the rules make the logged decisions again?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent


@dataclass(frozen=True)
class DecidedOtherwise:
    """The rules in the model folder make other decisions of the logged answers and values than were served.

    Formula: every logged decision, and the rule that made it, is held against what the rules give for the logged answers and cells. Nothing is
    computed in between: they are the same, exactly, or they are not.

    Why: a decision that cannot be made again from what was logged was made by other rules or by other code, and what was worked out
    offline for these rules does not hold for it.

    Remedy: compare the version of the rules in the log with that of the folder; serve the folder that was judged.

    Needs: decided (n, n_rows, n_otherwise, example, version; None: the model carries no rules).
    """

    name: ClassVar[str] = "fg948_decided_otherwise"
    code: ClassVar[str] = "FG948"
    title: ClassVar[str] = "Logged decisions do not follow from the rules"
    step: ClassVar[str] = "replay"
    severity: ClassVar[Severity] = "error"

    def run(self, *, decided: Mapping[str, Any] | None) -> list[Finding]:
        if decided is None:
            return [not_applicable(self, "The model carries no rules.")]
        if not decided["n"]:
            return [not_applicable(self, f"None of {decided['n_rows']:,} logged rows holds a decision.")]
        n, otherwise, example = decided["n"], decided["n_otherwise"], decided["example"]
        if not otherwise:
            return [passed(self, f"The rules make all {n:,} logged decisions again.", dict(decided))]
        sentence = (
            f"{count(otherwise, 'decision')} of {n:,} ({percent(otherwise / n)}) do not follow from the rules: {example['id']} was "
            f"{example['served']!r} by {example['by']!r} (version {example['version']}), and the folder's rules (version "
            f"{decided['version']}) say {example['offline']!r} by {example['by_offline']!r}."
        )
        remedy = (
            "Compare the version of the rules in the log with that of the folder; serve the folder that was judged."
        )
        return [fire(self, sentence, remedy, evidence=dict(decided))]
