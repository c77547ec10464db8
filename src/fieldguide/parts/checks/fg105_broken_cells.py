"""FG105: cells that their column cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.files.media import FILE_KINDS
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.reading import Violation
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, names, passed, percent, verb


@dataclass(frozen=True)
class BrokenCells:
    """Cells that hold something their column cannot hold, such as a word among numbers, or infinity.

    Formula: cells that are not missing and that the column's kind cannot read, per column.

    Why: they are read as missing. A few are typing errors; many mean that the column is not what it was taken for,
    or that a word has a meaning of its own ("none", "over 90").

    Remedy: correct the cells named, list words that mean missing under `data.columns.<name>.read.missing`, or
    declare another kind.

    Needs: read_violations, n_rows.
    """

    name: ClassVar[str] = "fg105_broken_cells"
    code: ClassVar[str] = "FG105"
    title: ClassVar[str] = "Cells that break their column's contract"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(0.001, "share of a column's cells that may be broken before it is a warning")

    def run(self, *, read_violations: Sequence[Violation], n_rows: int) -> list[Finding]:
        broken = [v for v in read_violations if v.n and v.rule.split()[-1] not in FILE_KINDS]  # files are FG110's
        if not broken:
            return [passed(self, f"Every cell of the {n_rows:,} rows is what its column holds.")]
        broken = sorted(broken, key=lambda violation: -violation.n)
        worst = broken[0]
        where = ", ".join(f"row {row}: {value!r}" for row, value in list(zip(worst.rows, worst.values))[:3])
        total = sum(violation.n for violation in broken)
        others = [violation.column for violation in broken[1:]]
        also = f" The others stand in {names(others)}." if others else ""
        sentence = (
            f"{count(total, 'cell')} {verb(total, 'was', 'were')} read as missing; in {worst.column!r}, {worst.n:,} "
            f"({percent(worst.n / max(n_rows, 1))}) {verb(worst.n, 'is', 'are')} not {worst.rule} ({where}).{also}"
        )
        remedy = f"Correct these cells, or declare under data.columns.{worst.column} what they mean."
        severity: Severity = "warning" if worst.n > self.most * n_rows else "info"
        columns = [violation.column for violation in broken]
        evidence = {"violations": [violation.to_dict() for violation in broken]}
        return [fire(self, sentence, remedy, severity=severity, columns=columns, evidence=evidence)]
