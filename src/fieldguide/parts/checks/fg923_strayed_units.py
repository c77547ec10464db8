"""FG923: did every unit stay in the arm it was dealt?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, verb


@dataclass(frozen=True)
class StrayedUnits:
    """Units were answered by more than one arm, or by another arm than their assignment says.

    Formula: share of units with answers of more than one arm, and share whose first arm is not that of the salted hash; 1 % of either is
    an error where it is five units at least, any is told.

    Why: a unit that saw more than one arm belongs to none. A few blur the difference; many void it.

    Remedy: make the caller send the same unit with every request, and deal by the plan's own assignment.

    Needs: judged (strays: {both, wrong, n, share_both, share_wrong}).
    """

    name: ClassVar[str] = "fg923_strayed_units"
    code: ClassVar[str] = "FG923"
    title: ClassVar[str] = "Units strayed between the arms"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "error"

    share: float = setting(0.01, "share of strayed units from which the experiment is void")
    fewest: int = setting(5, "strayed units below which it is only told: they may be test requests")

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        strays = judged["strays"]
        if not strays["n"]:
            return [not_applicable(self, "No unit was seen yet.")]
        worst = max(strays["share_both"], strays["share_wrong"])
        if not worst:
            return [passed(self, f"Every one of {count(strays['n'], 'unit')} stayed in its arm.", strays)]
        parts = []
        if strays["both"]:
            parts.append(
                f"{count(strays['both'], 'unit')} of {strays['n']:,} {verb(strays['both'], 'was', 'were')} answered by more than one arm"
            )
        if strays["wrong"]:
            parts.append(
                f"{count(strays['wrong'], 'unit')} of {strays['n']:,} {verb(strays['wrong'], 'was', 'were')} not in the arm dealt to them"
            )
        severity: Severity = (
            "error" if worst > self.share and max(strays["both"], strays["wrong"]) >= self.fewest else "info"
        )
        remedy = "Send the same unit with every request, and deal by the plan's own assignment."
        return [fire(self, " and ".join(parts) + ".", remedy, severity=severity, evidence=strays)]
