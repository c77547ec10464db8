"""FG104: the column that says which rows belong to one unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.table import Column
from fieldguide.parts.checks._answers import fire, names, passed
from fieldguide.parts.checks._facts import guesses


@dataclass(frozen=True)
class GroupColumn:
    """The column whose equal values mark rows of one unit, or that could.

    Formula: a repeated identifier acts as group when at least half of the other columns are nearly constant, or
    close, within its values. What is declared in `data.group` always acts.

    Why: rows of one customer or patient resemble each other. Spread over the parts they let the model recognise the
    unit instead of the pattern, and the score does not hold for new units.

    Remedy: set `data.group` to the column that names the unit; if the model will only meet known units, set
    `split.by: random` (or chronological).

    Needs: columns, roles_guess: {group: [{column, sure, why}]}, n_rows.
    """

    name: ClassVar[str] = "fg104_group_column"
    code: ClassVar[str] = "FG104"
    title: ClassVar[str] = "Group column"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "info"

    def run(self, *, columns: Sequence[Column], roles_guess: Any, n_rows: int) -> list[Finding]:
        acting = [column.name for column in columns if column.role == "group"]
        found = guesses(roles_guess, "group")
        reasons = {guess["column"]: guess["why"] for guess in found}
        evidence = {"acting": acting, "guesses": [dict(guess) for guess in found]}
        if acting:
            why = reasons.get(acting[0], "it is declared")
            sentence = f"The {n_rows:,} rows are grouped by {names(acting)}: {why}. A group is never cut."
            remedy = "If the model will only meet known groups, set split.by: random, or chronological."
            return [fire(self, sentence, remedy, columns=acting, evidence=evidence)]
        if found:
            first = found[0]["column"]
            sentence = f"{first!r} could group the {n_rows:,} rows, but that is not sure: {found[0]['why']}."
            remedy = f"If the model will meet new values of it, set data.group: {first}."
            return [fire(self, sentence, remedy, columns=[first], evidence=evidence)]
        return [passed(self, "No column looks as if it named units with several rows.", evidence=evidence)]
