"""FG111: columns that name images or sounds of which none is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.table import Column
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class AbsentFiles:
    """Columns whose cells are names of images or sounds, none of which is found.

    Formula: at least 95 % of the cells end as names of images or of sounds do, and of forty of them, spread over the column,
    less than a tenth is there: beside the table, or in one of the folders beside it.

    Why: without the files the names are left out, and the study learns from the other columns alone. Whoever meant the
    pictures to be learned from would see a model that knows nothing of them.

    Remedy: put the files where the cells say, relative to the folder of the table; or say which folder they lie in, under
    `data.columns.<name>.read.folder`. Web addresses are not followed: fetch the files first. Where names are all that
    is wanted, declare `ignore`.

    Needs: columns.
    """

    name: ClassVar[str] = "fg111_absent_files"
    code: ClassVar[str] = "FG111"
    title: ClassVar[str] = "Files that are named and not there"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, columns: Sequence[Column]) -> list[Finding]:
        named = [column for column in columns if column.facts.get("absent") and column.role not in ("ignore", "target")]
        absent = {column.name: column.facts["absent"] for column in named}
        if not absent:
            return [passed(self, "No column names files that are not there.")]
        told = listed((f"{name!r} (such as {one['example']!r})" for name, one in absent.items()), 3)
        first, one = next(iter(absent.items()))
        sentence = (
            f"{count(len(absent), 'column')} {verb(len(absent), 'names', 'name')} {one['kind']} files that are not there, and no "
            f"model will see them: {told}, looked for in {one['root']}."
        )
        said = f"data: {{columns: {{{first}: {{kind: {one['kind']}, read: {{folder: FOLDER}}}}}}}}"
        remedy = (
            f"Say where they lie: {said}. Fetch what is a web address first. If only names are wanted: {first}: ignore."
        )
        return [fire(self, sentence, remedy, columns=list(absent), evidence={"absent": absent})]
