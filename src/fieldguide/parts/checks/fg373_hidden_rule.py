"""FG373: does a rule contradict those before it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent


@dataclass(frozen=True)
class HiddenRule:
    """A rule contradicts earlier ones: they decide otherwise for nearly every row it is about.

    Formula: of the rows for which a rule's condition is true, the share that earlier rules with another decision took first, by
    predicted signals where there is a model, else by true ones. It fires at 95 % of 20 rows or more. Rules that overlap in
    part are in order: the narrower one stands first on purpose.

    Why: the first rule that holds decides. A rule whose rows are all taken by others with another decision says something
    nobody does, and whoever reads it believes that it is done.

    Remedy: put it before the rule that takes its rows, narrow that rule, or leave it out.

    Source: first-match semantics, and shadowed rules as a fault: Al-Shaer & Hamed (2004), Discovery of Policy Anomalies in
    Distributed Firewalls, INFOCOM.

    Needs: facts (rules: [{name, decide, true: {holds}, predicted: {holds}, taken: {rule: rows}}]).
    """

    name: ClassVar[str] = "fg373_hidden_rule"
    code: ClassVar[str] = "FG373"
    title: ClassVar[str] = "Rules that contradict earlier ones"
    step: ClassVar[str] = "rules"
    severity: ClassVar[Severity] = "warning"

    share: float = setting(0.95, "share of a rule's rows taken by others before it is told")
    fewest: int = setting(20, "rows a rule must hold for before anything is said")

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        found, asked = [], 0
        for rule in facts["rules"]:
            holds = rule.get("predicted", rule["true"])["holds"]
            if holds < self.fewest:
                continue
            asked += 1
            taken = sum(rule["taken"].values())
            if taken < self.share * holds:
                continue
            first = max(rule["taken"], key=lambda name: rule["taken"][name])
            evidence = {"rule": rule["name"], "holds": holds, "taken": rule["taken"]}
            found.append(
                fire(
                    self,
                    f"The rule {rule['name']!r} decides {rule['decide']!r} and holds for {count(holds, 'row')}; earlier rules decide otherwise "
                    f"for {percent(taken / holds)} of them, most of all {first!r}.",
                    f"Put {rule['name']!r} before {first!r}, narrow that rule, or leave {rule['name']!r} out.",
                    evidence=evidence,
                )
            )
        if not asked:
            return [not_applicable(self, f"No rule holds for {self.fewest} rows or more.")]
        return found or [
            passed(self, f"None of {count(asked, 'rule')} is hidden by earlier ones that decide otherwise.")
        ]
