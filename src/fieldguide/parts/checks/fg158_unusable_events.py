"""FG158: rows and cells of event tables that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class UnusableEvents:
    """Events without an entity or a time, and cells that cannot be read.

    Formula: rows whose entity or time is missing or unreadable; cells that are not what their column holds.

    Why: such a row is joined to nobody. A few are typing errors; many mean a wrong column, or a format that changed.

    Remedy: correct the export, or name other columns under `join.features`.

    Needs: joined.
    """

    name: ClassVar[str] = "fg158_unusable_events"
    code: ClassVar[str] = "FG158"
    title: ClassVar[str] = "Events without an entity or a time"
    step: ClassVar[str] = "join"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(0.01, "share of a table's rows from which it is a warning")

    def run(self, *, joined: Mapping[str, Any]) -> list[Finding]:
        if not joined["tables"]:
            return [not_applicable(self, "No feature table is joined.")]
        lost = {table["table"]: table["n_rows"] - table["n_whole"] for table in joined["tables"]}
        broken = {table["table"]: dict(table["n_broken"]) for table in joined["tables"] if table["n_broken"]}
        n, n_broken = sum(lost.values()), sum(n for cells in broken.values() for n in cells.values())
        if not n and not n_broken:
            return [passed(self, "Every event has an entity and a time, and every cell can be read.")]
        worst = max(joined["tables"], key=lambda table: lost[table["table"]] / max(table["n_rows"], 1))
        share = lost[worst["table"]] / max(worst["n_rows"], 1)
        sentence = (
            f"{count(n, 'event')} {verb(n, 'has', 'have')} no entity or no time and {verb(n, 'is', 'are')} joined to nobody "
            f"(at most {percent(share)} of a table, {worst['table']}); {count(n_broken, 'cell')} could not be read and "
            f"{verb(n_broken, 'counts', 'count')} as missing."
        )
        severity: Severity = "warning" if share > self.most else "info"
        remedy = "Correct the export, or name other columns under join.features."
        return [fire(self, sentence, remedy, severity=severity, evidence={"without_key": lost, "broken": broken})]
