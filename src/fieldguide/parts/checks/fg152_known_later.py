"""FG152: events that were known later than they happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class KnownLater:
    """Events that had happened at a unit's prediction time but were not known yet, and were kept out of its features.

    Formula: events beside the units with time < t ≤ known_at + lag, within the widest window of the table.

    Why: a join by the time of the event alone gives the model what nobody knew when it had to answer. The score rises
    on every part of the table, the test rows too, and falls after deployment.

    Remedy: nothing: the filter is on. The time by which events are known late is worth shortening: it is what the model
    goes without.

    Needs: joined.
    """

    name: ClassVar[str] = "fg152_known_later"
    code: ClassVar[str] = "FG152"
    title: ClassVar[str] = "Events known later than they happened"
    step: ClassVar[str] = "join"
    severity: ClassVar[Severity] = "info"

    def run(self, *, joined: Mapping[str, Any]) -> list[Finding]:
        tables = [table for table in joined["tables"] if table["n_known_later"]]
        if not tables:
            return [not_applicable(self, "No feature table says that its events were known later than they happened.")]
        late = [table for table in tables if table["n_late"]]
        if not late:
            return [passed(self, "No event had happened and was still unknown at a prediction time.")]
        n = sum(table["n_late"] for table in late)
        worst = max(late, key=lambda table: table["n_late"])
        share = worst["n_known_later"] / max(worst["n_rows"], 1)
        sentence = (
            f"{count(n, 'event')} {verb(n, 'was', 'were')} kept out of features: {verb(n, 'it', 'they')} had happened before "
            f"a prediction time and {verb(n, 'was', 'were')} known only later (most in {worst['table']}, where {percent(share)} "
            "of the events are known late). A join by event time alone would have read them."
        )
        evidence = {
            "tables": [{name: table[name] for name in ("table", "n_late", "n_known_later", "n_rows")} for table in late]
        }
        return [fire(self, sentence, "Nothing: the filter is on (join.known_only).", evidence=evidence)]
