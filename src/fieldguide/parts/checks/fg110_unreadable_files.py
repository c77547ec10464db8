"""FG110: images and sounds that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.files.media import FILE_KINDS
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.reading import Violation
from fieldguide.core.table import Column
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class UnreadableFiles:
    """Cells of images or sounds whose file is missing, empty, truncated, damaged or too large.

    Formula: every file is read to its end when the table is read; those that fail are counted and listed with the reason.
    More than `data.unreadable` of a column's cells (1 % unless study.yaml says otherwise) are an error, and nothing is fitted.

    Why: a file that fails after an hour of training costs the hour, and one that is silently skipped or shown black teaches
    the network that black is a class. Up to the stated share such cells are read as missing, as an empty cell would be.

    Remedy: restore the files named, or take their rows out of the table.

    Needs: read_violations, columns, n_rows.
    """

    name: ClassVar[str] = "fg110_unreadable_files"
    code: ClassVar[str] = "FG110"
    title: ClassVar[str] = "Files that cannot be read"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, read_violations: Sequence[Violation], columns: Sequence[Column], n_rows: int) -> list[Finding]:
        kinds = {column.name: column.kind for column in columns if column.kind in FILE_KINDS and column.encoded}
        if not kinds:
            return [not_applicable(self, "There is no column of images or sounds.")]
        broken = [violation for violation in read_violations if violation.column in kinds and violation.n]
        if not broken:
            return [passed(self, f"Every file of {count(len(kinds), 'column')} was read to its end ({n_rows:,} rows).")]
        findings = []
        for v in broken:
            shown = "; ".join(f"row {row}: {value}" for row, value in list(zip(v.rows, v.values))[:3])
            sentence = (
                f"{count(v.n, 'file')} of {v.column!r} ({percent(v.n / max(n_rows, 1))}) cannot be read and "
                f"{verb(v.n, 'is', 'are')} taken as missing: {shown}."
            )
            remedy = "Restore these files, or take their rows out of the table."
            findings.append(fire(self, sentence, remedy, columns=[v.column], evidence=v.to_dict()))
        return findings
