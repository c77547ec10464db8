"""FG371: does a rule ever hold, and does it not always?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent


@dataclass(frozen=True)
class IdleRule:
    """A rule that holds for no row, or for every row, or only ever for true signals.

    Formula: the number of rows for which the rule's own condition is true, by the true signals and, where there is a model, by
    the predicted ones. Of n rows none, the share is below 3/n with 95 % confidence. A rule that holds for ten or more rows by
    the true signals and for none by the predicted ones is told as well.

    Why: a rule that never holds is often a slip: a wrong unit, a threshold out of range, a label nobody has. One that always
    holds hides every rule after it. One that is met in truth and never in prediction asks more of the signals than they say:
    a probability above what the model ever gives, or a label it never decides for.

    Remedy: read the condition beside the column's range; lower the threshold, decide by the probability, or leave the rule out.

    Source: Hanley & Lippman-Hand (1983), If Nothing Goes Wrong, Is Everything All Right? JAMA 249.

    Needs: facts (rules: [{name, when, true: {holds}, predicted: {holds}, where there is a model}], n, rows).
    """

    name: ClassVar[str] = "fg371_idle_rule"
    code: ClassVar[str] = "FG371"
    title: ClassVar[str] = "Rules that never or always hold"
    step: ClassVar[str] = "rules"
    severity: ClassVar[Severity] = "warning"

    fewest: int = setting(200, "rows below which nothing is said: a rule for 1 % of rows would often be met by none")
    missed: int = setting(10, "rows of true signals that no prediction reaches before it is told")

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        n, part = facts["n"], facts["rows"]
        if n < self.fewest:
            return [not_applicable(self, f"{count(n, 'row')} cannot tell whether a rule is idle.")]
        found = []
        for rule in facts["rules"]:
            true = rule["true"]["holds"]
            predicted = rule["predicted"]["holds"] if "predicted" in rule else None
            said = self._said(rule["name"], true, predicted, n, part)
            if said is not None:
                evidence = {"rule": rule["name"], "when": rule["when"], "true": true, "predicted": predicted, "n": n}
                found.append(fire(self, *said, evidence=evidence))
        return found or [passed(self, f"Each of {count(len(facts['rules']), 'rule')} holds for some of {n:,} rows.")]

    def _said(self, name: str, true: int, predicted: int | None, n: int, part: str) -> tuple[str, str] | None:
        """Return the sentence and the remedy of a rule, or None where there is nothing to say."""
        if true == 0 and not predicted:
            said = f"The rule {name!r} holds for none of {n:,} {part} rows: for fewer than {percent(3 / n, 2)} in all, with 95 % confidence."
            return said, "Compare its condition with the range of what it reads; correct it, or leave it out."
        if true == n and predicted in (None, n):
            said = f"The rule {name!r} holds for all {n:,} {part} rows, so that no rule after it ever decides."
            return said, "Narrow its condition, or make it the default."
        if predicted == 0 and true >= self.missed:
            said = f"The rule {name!r} should hold for {true:,} of {n:,} {part} rows, and by the predicted signals it holds for none."
            return said, "Lower its threshold, decide by the signal's probability, or improve the signal."
        return None
