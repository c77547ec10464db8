"""FG107: columns that are not read as they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.table import Column
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class Converted:
    """Columns whose cells are read otherwise than they are written: numbers out of text, dates by a guessed order.

    Formula: columns whose contract holds reading rules (decimal and thousands marks, signs to strip, words that
    mean missing, day or month first, a time unit, a folder of files).

    Why: "1,234" is a thousand or one and a bit, "03/04" is March or April. A wrong guess moves every value, in
    training and in serving alike, so that no score reveals it.

    Remedy: check one cell per column, and correct the rule under `data.columns.<name>.read` in `study.yaml`.

    Needs: columns.
    """

    name: ClassVar[str] = "fg107_converted"
    code: ClassVar[str] = "FG107"
    title: ClassVar[str] = "Columns read otherwise than written"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, columns: Sequence[Column]) -> list[Finding]:
        told = {column.name: words for column in columns if (words := _words(column.read))}
        unsure = [
            column.name for column in columns if column.facts.get("other_reading") or column.facts.get("questions")
        ]
        if not told and not unsure:
            return [passed(self, f"All of the {count(len(columns), 'column')} are read as they are written.")]
        n = len(set(told) | set(unsure))
        order = [*unsure, *(name for name in told if name not in unsure)]
        said = listed(
            (f"{name!r} ({told.get(name, 'as written')}{', not sure' if name in unsure else ''})" for name in order), 4
        )
        sentence = f"{count(n, 'column')} {verb(n, 'is', 'are')} read by a rule: {said}."
        remedy = "Check a cell of each, and correct the rule under data.columns in study.yaml."
        severity: Severity = "warning" if unsure else "info"
        return [
            fire(self, sentence, remedy, severity=severity, columns=order, evidence={"rules": told, "unsure": unsure})
        ]


def _words(read: Mapping[str, Any]) -> str:
    parts = []
    if read.get("thousands"):
        parts.append(f"thousands marked by {read['thousands']!r}")
    if read.get("decimal") not in (None, "."):
        parts.append(f"decimals after {read['decimal']!r}")
    if read.get("strip"):
        parts.append(
            "without "
            f"{listed(map(repr, read['strip'] if isinstance(read['strip'], list | tuple) else [read['strip']]))}"
        )
    if read.get("missing"):
        parts.append(f"{listed(map(repr, read['missing']), 3)} as missing")
    if "dayfirst" in read:
        parts.append("day before month" if read["dayfirst"] else "month before day")
    if len(read.get("formats") or ()) > 1:
        parts.append(f"dates in {len(read['formats'])} formats")
    if read.get("folder"):
        parts.append(f"files of {read['folder']!r}{' that end in ' + read['suffix'] if read.get('suffix') else ''}")
    if read.get("unit"):
        parts.append(f"numbers as {read['unit']} since 1970")
    return ", ".join(parts)
