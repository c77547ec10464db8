"""FG103: the column that says when a row happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.table import Column
from fieldguide.parts.checks._answers import fire, passed
from fieldguide.parts.checks._facts import guesses


@dataclass(frozen=True)
class TimeColumn:
    """The column that acts as the time of the rows, or that could.

    Formula: a date column acts when neighbouring rows stand in its order, or when its values span the collection
    evenly and its name says event; a date of each row's past (a birth date) does not. What is declared in
    `data.time` always acts.

    Why: with a time, the future is what a model will be asked about, so the latest rows are sealed and validation
    follows training in time. A random draw would let the model interpolate.

    Remedy: set `data.time` to the right column; if time does not matter, set `split.by: random`.

    Needs: columns, roles_guess: {time: [{column, sure, why}], notes}, n_rows.
    """

    name: ClassVar[str] = "fg103_time_column"
    code: ClassVar[str] = "FG103"
    title: ClassVar[str] = "Time column"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "info"

    def run(self, *, columns: Sequence[Column], roles_guess: Any, n_rows: int) -> list[Finding]:
        acting = [column.name for column in columns if column.role == "time"]
        found = guesses(roles_guess, "time")
        reasons = {guess["column"]: guess["why"] for guess in found}
        notes = [str(note) for note in guesses(roles_guess, "notes")]
        evidence = {
            "acting": acting,
            "guesses": [dict(guess) for guess in found],
            "notes": notes,
        }
        if acting:
            why = reasons.get(acting[0], "it is declared")
            sentence = f"{acting[0]!r} is taken as the time of the {n_rows:,} rows: {why}. The latest rows are sealed."
            return [
                fire(
                    self, sentence, "If time does not matter, set split.by: random.", columns=acting, evidence=evidence
                )
            ]
        if found:
            first = found[0]["column"]
            sentence = f"{first!r} could be the time of the {n_rows:,} rows, but that is not sure: {found[0]['why']}."
            remedy = f"If rows are predicted in its order, set data.time: {first}."
            return [fire(self, sentence, remedy, columns=[first], evidence=evidence)]
        seen = f" Seen: {notes[0]}." if notes else ""
        return [passed(self, f"No column looks like the time of the rows.{seen}", evidence=evidence)]
