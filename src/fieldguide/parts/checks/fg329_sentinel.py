"""FG329: numbers that stand for "unknown"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.meaning.sentinel import FEWEST, SHARE, sentinel
from fieldguide.core.settings import setting
from fieldguide.core.table import Column, Table
from fieldguide.parts.checks._along import joined, looked_at, sampled
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, verb

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")


@dataclass(frozen=True)
class Sentinel:
    """Columns of numbers in which a code such as -1, -99 or 999 seems to stand for "unknown".

    Formula: one value out of a list of usual codes (-1, -9, -99 …, 99, 999 …) that at least 10 rows and 0.2 % of them
    hold. A negative code counts when no other value is negative, and the rest has more than two values; -1 also in flags
    of 0 and 1; -99, -999 … also when they lie three ranges of the others below them. A positive code counts when it is
    farther from the largest other value than the whole range of the others.
    `fieldguide init` declares a code that is sure as missing, in study.yaml, where one line overrules it: -99, -999 …;
    999, 9999 … three ranges of the others above; -1 or -9 where the others are positive and it lies half their range
    below; and more than ten other values in each case. A code that is read as missing is named as a note.

    Why: a model reads the code as a size: a patient of -1 cm is the shortest of all, and one of 999 years pulls every
    mean. Declared as missing, it is filled in and marked by an indicator instead.

    Remedy: if the code means "unknown", declare it: `data.columns.<name>.read.missing: ["-1"]`. If it means something
    else ("never", "at most"), a category or a flag beside the number says so better.

    Needs: table.
    """

    name: ClassVar[str] = "fg329_sentinel"
    code: ClassVar[str] = "FG329"
    title: ClassVar[str] = "Codes for unknown among numbers"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    share: float = setting(SHARE, "share of the rows that must hold the code")
    fewest: int = setting(FEWEST, "rows [rows] that must hold the code")

    def run(self, *, table: Table) -> list[Finding]:
        rows = sampled(table.n_rows, 500_000)
        numbers = [column for column in looked_at(table) if table.frame[column.name].dtype.is_numeric()]
        if not numbers:
            return [not_applicable(self, "There is no column of numbers.")]
        declared = self._declared(numbers)
        found: dict[str, dict[str, Any]] = {}
        for column in numbers:
            values = table.frame[column.name].to_numpy().astype(np.float64)[rows]
            code = sentinel(values, share=self.share, fewest=self.fewest)
            if code is not None:
                found[column.name] = code.to_dict()
        if not found:
            text = f"No usual code for unknown stands out in {count(len(numbers), 'column')} of numbers."
            return declared or [passed(self, text)]
        return [self._named(found), *declared]

    def _declared(self, numbers: Sequence[Column]) -> list[Finding]:
        """Return a note on the codes that study.yaml declares as missing."""
        codes = {column.name: _codes(column) for column in numbers if _codes(column)}
        if not codes:
            return []
        first, n = next(iter(codes)), len(codes)
        texts = [f"{', '.join(tokens)} in {name!r}" for name, tokens in codes.items()]
        sentence = f"Numbers that stand for unknown are read as missing in {count(n, 'column')}: {joined(texts)}."
        remedy = (
            f"Nothing, if it means unknown; else remove its line from study.yaml (data.columns.{first}.read.missing)."
        )
        return [fire(self, sentence, remedy, severity="info", columns=list(codes), evidence={"declared": codes})]

    def _named(self, found: Mapping[str, dict[str, Any]]) -> Finding:
        order = sorted(found, key=lambda name: -found[name]["n"])
        texts = [
            f"{name!r} is {found[name]['code']:.0f} in {count(found[name]['n'], 'row')} ({percent(found[name]['share'])}) "
            f"and otherwise lies between {number(found[name]['low'])} and {number(found[name]['high'])}"
            for name in order
        ]
        first = order[0]
        n = len(order)
        sentence = f"{count(n, 'column')} of numbers {verb(n, 'holds', 'hold')} what looks like a code for unknown: {joined(texts)}."
        remedy = (
            f'If it means unknown, set data.columns.{first}: {{read: {{missing: ["{found[first]["code"]:.0f}"]}}}}.'
        )
        # One code in several columns, or one that no measurement takes, is hardly a value.
        shared = len(found) > 1 and len({entry["code"] for entry in found.values() if entry["code"] < 0}) == 1
        plain = any(entry["code"] <= -99 for entry in found.values())
        severity: Severity = "warning" if shared or plain else "info"
        propose = {name: {"missing": f"{found[name]['code']:.0f}"} for name in order}
        return fire(
            self,
            sentence,
            remedy,
            severity=severity,
            columns=order,
            evidence={"codes": dict(found), "propose": propose},
        )


def _codes(column: Column) -> list[str]:
    """Return the tokens of a column's reading that are numbers, and stand for a missing value."""
    return [str(token) for token in column.read.get("missing") or () if _NUMBER.fullmatch(str(token))]
