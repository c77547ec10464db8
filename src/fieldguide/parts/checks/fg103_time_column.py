"""FG103: the column that says when a row happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.table import Column
from fieldguide.parts.checks._answers import fire, passed
from fieldguide.parts.checks._facts import guesses

FORECAST = " To forecast the series from its own past: init with --task forecast --horizon N."


@dataclass(frozen=True)
class TimeColumn:
    """The column that acts as the time of the rows, or that could.

    Formula: a date column acts when neighbouring rows stand in its order, or when its values span the collection
    evenly and its name says event; a date of each row's past (a birth date) does not. A column of years, and a year
    beside a month or a quarter, are proposed where rows stand in their order. What is declared in `data.time` always
    acts. Rows of which no two have one time, and which nearly all stand on one step, are one series; a warning where
    their time is only proposed.

    Why: with a time, the future is what a model will be asked about, so the latest rows are sealed and validation
    follows training in time. A random draw would let the model interpolate.

    Remedy: set `data.time` to the right column; if time does not matter, set `split.by: random`.

    Needs: columns, roles_guess: {time: [{column, sure, why, expression, step}], notes}, n_rows.
    """

    name: ClassVar[str] = "fg103_time_column"
    code: ClassVar[str] = "FG103"
    title: ClassVar[str] = "Time column"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

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
            step = _step(found, acting[0])
            sentence = f"{acting[0]!r} is taken as the time of the {n_rows:,} rows: {why}. The latest rows are sealed."
            sentence += f" They are one series, a row each {step}." if step else ""
            remedy = "If time does not matter, set split.by: random." + (FORECAST if step else "")
            return [fire(self, sentence, remedy, columns=acting, evidence=evidence, severity="info")]
        if found:
            first, made = found[0]["column"], found[0].get("expression")
            step = _step(found, first)
            sentence = f"{first!r} could be the time of the {n_rows:,} rows, but that is not sure: {found[0]['why']}."
            sentence += (
                f" They are one series, a row each {step}: drawn at random, neighbours judge each other."
                if step
                else ""
            )
            derive = f"data.derive: {{{first}: '{made}'}} and " if made else ""
            remedy = f"If rows are predicted in its order, set {derive}data.time: {first}." + (FORECAST if step else "")
            severity: Severity = "warning" if step else "info"
            return [fire(self, sentence, remedy, columns=[] if made else [first], evidence=evidence, severity=severity)]
        seen = f" Seen: {notes[0]}." if notes else ""
        return [passed(self, f"No column looks like the time of the rows.{seen}", evidence=evidence)]


def _step(found: Sequence[Any], column: str) -> str:
    """Return the step of rows that are one series, such as "month", or an empty text."""
    step = next((guess.get("step") for guess in found if guess["column"] == column), None)
    return str(step or "").removeprefix("1 ")
