"""FG113: a last row that sums up the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.table import Column
from fieldguide.parts.checks._answers import count, fire, passed


@dataclass(frozen=True)
class TotalRow:
    """The last row of the file is a total of the rows above it, as spreadsheets end.

    Formula: a text cell of the last row, which no other row has, says total (sum, average, Summe …); or the last cells of
    two number columns or more are the sums of all others. In tables of 10 to a million rows.

    Why: it is no example. Its numbers are as large as those of all others together: one such row bends a straight line,
    decides a squared error, and is a cluster of its own.

    Remedy: delete the row in the file, or export without totals.

    Needs: columns.
    """

    name: ClassVar[str] = "fg113_total_row"
    code: ClassVar[str] = "FG113"
    title: ClassVar[str] = "A row of totals"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, columns: Sequence[Column]) -> list[Finding]:
        found = {column.name: column.facts["total"] for column in columns if column.facts.get("total")}
        if not found:
            return [passed(self, "The last row is no total of the others.")]
        words = [f"{name!r} says {one['cell']!r}" for name, one in found.items() if one["by"] == "word"]
        sums = [name for name, one in found.items() if one["by"] == "sum"]
        told = [
            *words[:2],
            *(
                [f"{count(len(sums), 'column')} {'hold' if len(sums) > 1 else 'holds'} the sum of the other rows"]
                if sums
                else []
            ),
        ]
        row = next(iter(found.values()))["row"]
        sentence = f"The last row of the table (row {row:,}) is a total, and no row like the others: {listed(told)}."
        return [
            fire(
                self,
                sentence,
                "Delete it in the file, or export without totals.",
                columns=list(found),
                evidence={"total": found},
            )
        ]
