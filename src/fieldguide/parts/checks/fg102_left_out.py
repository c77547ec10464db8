"""FG102: columns that no model sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.table import WEIGHTS, Column
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class LeftOut:
    """Columns that reach no model, and why.

    Formula: columns with the role `ignore`, `key` or `group`, and features of a kind that is not encoded (id,
    constant, empty).

    Why: an identifier or a row number can be learned by heart and says nothing about a new row; a constant says
    nothing at all. Leaving a column out silently would hide a wrong guess.

    Remedy: where a guess is wrong, give the column its kind under `data.columns` in `study.yaml`.

    Needs: columns.
    """

    name: ClassVar[str] = "fg102_left_out"
    code: ClassVar[str] = "FG102"
    title: ClassVar[str] = "Columns left out of every model"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, columns: Sequence[Column]) -> list[Finding]:
        used = [column for column in columns if column.encoded]
        out = [column for column in columns if not column.encoded and column.role not in ("target", *WEIGHTS, "time")]
        reasons = {column.name: _reason(column) for column in out}
        if not out:
            return [passed(self, f"All of the {count(len(used), 'column')} that could reach a model do.")]
        told = listed((f"{name!r} ({reason})" for name, reason in reasons.items()), 5)
        sentence = f"{count(len(out), 'column')} {verb(len(out), 'reaches', 'reach')} no model: {told}."
        remedy = "If one of them should, give it its kind under data.columns in study.yaml."
        severity: Severity = "info" if used else "warning"
        return [fire(self, sentence, remedy, severity=severity, columns=reasons, evidence={"reasons": reasons})]


def _reason(column: Column) -> str:
    if column.role == "group":
        return "it groups rows"
    if column.role == "key":
        return "it names rows"
    if column.role == "ignore" and column.kind not in ("id", "constant", "empty"):
        return "set aside"
    return {
        "id": "it counts rows" if column.facts.get("row_numbers") else "an identifier",
        "constant": "always the same",
        "empty": "always missing",
    }.get(column.kind, column.kind)
