"""FG155: events after the prediction time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class EventsAfter:
    """Events of feature tables at or after the last prediction time of their entity, which no feature reads.

    Formula: events with time ≥ the last prediction time of their entity (with `same_time: include`: later than it); those at
    the very prediction time are told apart.

    Why: a join by entity alone reads them, and with them often the outcome itself. Events that carry the very prediction
    time are the classic trap: the row that asks for the prediction is written at that moment.

    Remedy: nothing: they are kept out. With `same_time: include` those at the prediction time count as known: say so only
    where they are.

    Needs: joined.
    """

    name: ClassVar[str] = "fg155_events_after"
    code: ClassVar[str] = "FG155"
    title: ClassVar[str] = "Events after the prediction time"
    step: ClassVar[str] = "join"
    severity: ClassVar[Severity] = "info"

    def run(self, *, joined: Mapping[str, Any]) -> list[Finding]:
        if not joined["tables"]:
            return [not_applicable(self, "No feature table is joined.")]
        n, at = (sum(table[name] for table in joined["tables"]) for name in ("n_after", "n_at"))
        total = sum(table["n_of_units"] for table in joined["tables"])
        if not n and not at:
            return [passed(self, f"All {total:,} events of the units lie before a prediction time.")]
        known = joined["same_time"] == "include"
        counted = verb(at, "counts", "count") + " as known" if known else verb(at, "is", "are") + " kept out, too"
        equal = (
            f" {count(at, 'event')} {verb(at, 'carries', 'carry')} the very prediction time and {counted}."
            if at
            else ""
        )
        evidence = {
            "tables": [
                {name: table[name] for name in ("table", "n_after", "n_at", "n_of_units")} for table in joined["tables"]
            ]
        }
        remedy = "Nothing: only what was known before a prediction time is read."
        if not n:
            return [fire(self, equal.strip(), remedy, evidence=evidence)]
        sentence = (
            f"{count(n, 'event')} of {total:,} ({percent(n / max(total, 1))}) {verb(n, 'lies', 'lie')} at or after the last "
            f"prediction time of {verb(n, 'its', 'their')} entity and reach no feature; a join by entity alone would have read "
            f"{verb(n, 'it', 'them')}.{equal}"
        )
        return [fire(self, sentence, remedy, evidence=evidence)]
