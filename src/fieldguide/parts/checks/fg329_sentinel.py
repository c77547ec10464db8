"""FG329: numbers that stand for "unknown"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._along import joined, looked_at, sampled
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, verb

NEGATIVE = (-1.0, *(-float("9" * k) for k in range(1, 7)), -88.0, -77.0, -32768.0)
POSITIVE = (*(float("9" * k) for k in range(2, 9)), 88.0, 888.0, 8888.0, 9998.0, 65535.0, 2147483647.0)


@dataclass(frozen=True)
class Sentinel:
    """Columns of numbers in which a code such as -1, -99 or 999 seems to stand for "unknown".

    Formula: one value out of a list of usual codes (-1, -9, -99 …, 99, 999 …) that at least 10 rows and 0.2 % of them
    hold. A negative code counts when no other value is negative, and the rest has more than two values; -1 also in flags
    of 0 and 1. A positive code counts when it is farther from the largest other value than the whole range of the others.

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

    share: float = setting(0.002, "share of the rows that must hold the code")
    fewest: int = setting(10, "rows [rows] that must hold the code")

    def run(self, *, table: Table) -> list[Finding]:
        rows = sampled(table.n_rows, 500_000)
        numbers = [column.name for column in looked_at(table) if table.frame[column.name].dtype.is_numeric()]
        if not numbers:
            return [not_applicable(self, "There is no column of numbers.")]
        found: dict[str, dict[str, Any]] = {}
        for name in numbers:
            entry = self._code(table.frame[name].to_numpy().astype(np.float64)[rows])
            if entry is not None:
                found[name] = entry
        if not found:
            return [
                passed(self, f"No usual code for unknown stands out in {count(len(numbers), 'column')} of numbers.")
            ]
        order = sorted(found, key=lambda name: -found[name]["n"])
        texts = [
            f"{name!r} is {number(found[name]['code'])} in {count(found[name]['n'], 'row')} ({percent(found[name]['share'])}) "
            f"and otherwise lies between {number(found[name]['low'])} and {number(found[name]['high'])}"
            for name in order
        ]
        first = order[0]
        n = len(order)
        sentence = f"{count(n, 'column')} of numbers {verb(n, 'holds', 'hold')} what looks like a code for unknown: {joined(texts)}."
        remedy = f'If it means unknown, set data.columns.{first}: {{read: {{missing: ["{found[first]["code"]:g}"]}}}}.'
        # One code in several columns, or one that no measurement takes, is hardly a value.
        shared = len(found) > 1 and len({entry["code"] for entry in found.values() if entry["code"] < 0}) == 1
        plain = any(entry["code"] <= -99 for entry in found.values())
        severity: Severity = "warning" if shared or plain else "info"
        propose = {name: {"missing": f"{found[name]['code']:g}"} for name in order}
        return [
            fire(
                self, sentence, remedy, severity=severity, columns=order, evidence={"codes": found, "propose": propose}
            )
        ]

    def _code(self, values: np.ndarray) -> dict[str, Any] | None:
        known = values[~np.isnan(values)]
        if len(known) < 30:
            return None
        for code in (*NEGATIVE, *POSITIVE):
            here = known == code
            n = int(here.sum())
            if n < max(self.fewest, self.share * len(known)):
                continue
            rest = known[~here]
            if len(rest) < 20:
                continue
            low, high = float(rest.min()), float(rest.max())
            if code < 0:
                distinct = len(np.unique(rest[:2000]))
                if low < 0 or distinct < 2 or (distinct == 2 and (code != -1 or {low, high} != {0.0, 1.0})):
                    continue
                # -1, 0, 1, 2: a scale of a few steps, not a code.
                if 2 < distinct <= 5 and code == -1 and low == 0 and high <= 5:
                    continue
            elif code - high < max(high - low, 1.0) or len(np.unique(rest[:2000])) < 5:
                continue
            return {"code": code, "n": n, "share": n / len(known), "low": low, "high": high}
        return None
