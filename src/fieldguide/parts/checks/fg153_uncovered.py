"""FG153: units without events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class Uncovered:
    """Feature tables in which many units have no event, and features that few units have.

    Formula: share of units with at least one event within the widest window; share of units with a value, per feature.

    Why: where most units have nothing, a feature says little more than who has something. It is also how a wrong entity
    column, a wrong zone or a feed that stopped looks.

    Remedy: compare entities and times of the table with those of the units; widen the window; or drop the feature.

    Needs: joined.
    """

    name: ClassVar[str] = "fg153_uncovered"
    code: ClassVar[str] = "FG153"
    title: ClassVar[str] = "Units without events"
    step: ClassVar[str] = "join"
    severity: ClassVar[Severity] = "warning"

    few: float = setting(0.5, "share of the units that should have an event")
    rare: float = setting(0.01, "share of the units that should have a value of a feature")

    def run(self, *, joined: Mapping[str, Any]) -> list[Finding]:
        if not joined["tables"]:
            return [not_applicable(self, "No feature table is joined.")]
        shares = {table["table"]: table["n_with_events"] / table["n_units"] for table in joined["tables"]}
        low = [label for label, share in shares.items() if share < self.few]
        given = {f["name"]: f["coverage"] for table in joined["tables"] for f in table["features"]}
        rare = [name for name, share in given.items() if share < self.rare]
        evidence = {"tables": shares, "coverage": given}
        said = []
        if low:
            worst = min(low, key=lambda label: shares[label])
            said.append(
                f"{percent(1 - shares[worst])} of the {joined['n_units']:,} units have no event in {worst}"
                + (
                    f", and {count(len(low) - 1, 'other table')} {verb(len(low) - 1, 'is', 'are')} alike"
                    if len(low) > 1
                    else ""
                )
            )
        if rare:
            said.append(
                f"{count(len(rare), 'feature')} {verb(len(rare), 'has', 'have')} a value in fewer than {percent(self.rare)} of "
                f"the {joined['n_units']:,} units ({names(rare)})"
            )
        if not said:
            least = min(shares, key=lambda label: shares[label])
            return [
                passed(self, f"At least {percent(shares[least])} of the units have an event in every table.", evidence)
            ]
        remedy = (
            "Compare entities and times of the table with those of the units; widen the window, or drop the feature."
        )
        return [
            fire(
                self,
                "; ".join(said) + ".",
                remedy,
                columns=rare,
                severity="warning" if low else "info",
                evidence=evidence,
            )
        ]
