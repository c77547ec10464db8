"""FG154: rows of feature tables that repeat or contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent


@dataclass(frozen=True)
class RepeatedEvents:
    """Rows of a feature table that repeat another row, or differ from another of the same entity and time.

    Formula: rows − distinct rows, and distinct rows − distinct (entity, time, level), over the columns that are joined; in
    a sample of whole entities in tables of more than 200,000 rows.

    Why: an export written twice doubles counts and sums, and where only the older part was, the model learns the age of
    the export. Two states of one entity at one time leave open which is true; the one that stands later in the file wins.

    Remedy: write every event once. Where events of one moment are real (two items of one order), nothing.

    Needs: joined.
    """

    name: ClassVar[str] = "fg154_repeated_events"
    code: ClassVar[str] = "FG154"
    title: ClassVar[str] = "Repeated or conflicting events"
    step: ClassVar[str] = "join"
    severity: ClassVar[Severity] = "warning"

    least: float = setting(0.001, "share of the rows from which it is told")
    most: float = setting(0.05, "share of repeated rows from which it is a warning")

    def run(self, *, joined: Mapping[str, Any]) -> list[Finding]:
        if not joined["tables"]:
            return [not_applicable(self, "No feature table is joined.")]
        shares = {
            table["table"]: (
                table["n_repeated"] / max(table["n_examined"], 1),
                table["n_conflicting"] / max(table["n_examined"], 1),
            )
            for table in joined["tables"]
        }
        evidence = {"tables": {label: {"repeated": a, "conflicting": b} for label, (a, b) in shares.items()}}
        odd = [t for t in joined["tables"] if max(shares[t["table"]]) > self.least]
        if not odd:
            return [passed(self, "Events are written once, and one entity has one state at a time.", evidence)]
        worst = max(odd, key=lambda t: shares[t["table"]])
        repeated, conflicting = shares[worst["table"]]
        sentence = (
            f"In {worst['table']}, {count(worst['n_repeated'], 'row')} of {worst['n_examined']:,} examined ({percent(repeated)}) "
            f"repeat another in all joined columns, and {worst['n_conflicting']:,} ({percent(conflicting)}) differ from another "
            "of the same entity and time."
        )
        remedy = "Write every event once; where several at one moment are real, nothing: the later in the file counts as the last."
        return [fire(self, sentence, remedy, severity="warning" if repeated > self.most else "info", evidence=evidence)]
