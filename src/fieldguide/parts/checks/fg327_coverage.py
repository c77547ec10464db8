"""FG327: columns that begin or break along time, levels that are new, defaults that take over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._along import Along, along, joined, looked_at, numbers_of, periods, timelike
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, number, passed, percent, verb


@dataclass(frozen=True)
class Coverage:
    """Columns that are empty before a date or after it, whose levels are replaced, or that fall to one value.

    Formula: in at most 24 periods of about equally many rows. Begins (ends): at least 95 % missing in every period before
    (after) a border and at most 50 % on the other side, with at least 5 % of the rows on each. New levels: among the last
    fifth of the rows of a category (text or number with at most 200 values, that does not tell the time itself), at least
    5 % and 20 rows hold a level that none of the rows before holds. Takes over: one value fills at least 80 % of every period
    after a border and at most 20 % of those before. Each share is of rows, so a binomial test at these bounds is certain
    from 20 rows a side on.

    Why: a model that learned from rows without a column, or with other levels, meets something else in use. What it
    learned of old levels is of no use, and of new ones it knows nothing.

    Remedy: for a column that begins late: learn from the rows since then, or leave it out. One that ended, or fell to
    a default, is left out of every model: the rows to come have it no more than the latest ones. Where it is repaired,
    `data.columns.<name>: feature` brings it back. For new levels: expect them in use, and group rare levels.

    Needs: table, roles.
    """

    name: ClassVar[str] = "fg327_coverage"
    code: ClassVar[str] = "FG327"
    title: ClassVar[str] = "Columns and levels that come and go"
    step: ClassVar[str] = "explore"
    excludes: ClassVar[bool] = True
    severity: ClassVar[Severity] = "warning"

    new: float = setting(0.05, "share of late rows with a level not seen before from which a column is named")

    def run(self, *, table: Table, roles: Roles) -> list[Finding]:
        time = along(table, roles)
        if time is None:
            return [not_applicable(self, "No column tells the time of a row.")]
        n = len(time.rows)
        period, fine = periods(time.times, max(4, min(24, n // 25))), periods(time.times, 40)
        if n < 100 or period[-1] < 3:
            return [not_applicable(self, f"{n:,} rows in {period[-1] + 1} periods are too few.")]
        found: dict[str, dict[str, Any]] = {}
        columns = [column for column in looked_at(table) if column.name != time.column]
        for column in columns:
            values = numbers_of(table.frame[column.name])[time.rows]
            entry = self._coverage(values, period, time)
            if entry is None and not timelike(values, fine):
                entry = self._levels(values, column.kind) or self._takes_over(
                    values, table.frame[column.name][time.rows], period, time
                )
            if entry is not None:
                found[column.name] = entry
        if not found:
            return [
                passed(
                    self,
                    f"All of {count(len(columns), 'column')} {verb(len(columns), 'is', 'are')} as full at the end {time.words} as before.",
                )
            ]
        order = sorted(found, key=lambda name: (not found[name]["serious"], -found[name]["share"]))
        texts = [f"{name!r} {found[name]['words']}" for name in order]
        sentence = f"{count(len(found), 'column')} {verb(len(found), 'comes or goes', 'come or go')} {time.words}: {joined(texts)}."
        kinds = {entry["kind"] for entry in found.values()}
        gone = [name for name in order if found[name]["kind"] in ("ends", "takes over")]
        if gone:
            sentence += f" {names(gone)} {verb(len(gone), 'is', 'are')} left out of every model."
        if kinds == {"new levels"}:
            remedy = "Expect levels in use that no training row has, and judge by a split along time."
        elif kinds == {"begins"}:
            remedy = "Learn from the rows since then, or leave the column out (data.columns: ignore)."
        else:
            remedy = f"Nothing, unless the column is repaired; then set data.columns.{gone[0]}: feature." if gone else (
                "Expect levels in use that no training row has; a column that begins late can be left out (data.columns: ignore)."
            )  # fmt: skip
        severity: Severity = "warning" if any(entry["serious"] for entry in found.values()) else "info"
        evidence = {"column": time.column, "columns": found, **({"exclude": gone} if gone else {})}
        return [fire(self, sentence, remedy, severity=severity, columns=order, evidence=evidence)]

    def _coverage(self, values: np.ndarray, period: np.ndarray, time: Along) -> dict[str, Any] | None:
        gone = np.isnan(values)
        if not 0.02 < gone.mean() < 0.98:
            return None
        shares = np.bincount(period, weights=gone) / np.bincount(period)
        empty, n = shares >= 0.95, len(values)
        if empty[0]:
            at = int(np.argmin(empty))  # the first period that is not empty
            first = int(np.flatnonzero(~gone)[0])
            if (shares[at:] <= 0.5).all() or (shares[at + 1 :] <= 0.5).all():
                if min(first, n - first) < 0.05 * n:
                    return None
                words = f"is empty before {time.at(first)} ({percent(first / n)} of the rows)"
                return {"kind": "begins", "from": time.at(first), "share": first / n, "serious": False, "words": words}
        if empty[-1]:
            at = len(empty) - int(np.argmin(empty[::-1]))  # the first of the empty periods at the end
            last = int(np.flatnonzero(~gone)[-1])
            if (shares[:at] <= 0.5).all() or (shares[: at - 1] <= 0.5).all():
                if min(last, n - last) < 0.02 * n:
                    return None
                words = f"is empty after {time.at(last)} ({percent(1 - last / n)} of the rows)"
                return {"kind": "ends", "from": time.at(last), "share": 1 - last / n, "serious": True, "words": words}
        return None

    def _levels(self, values: np.ndarray, kind: str) -> dict[str, Any] | None:
        if kind not in ("category", "boolean"):
            return None
        cut = int(0.8 * len(values))
        early, late = values[:cut][~np.isnan(values[:cut])], values[cut:][~np.isnan(values[cut:])]
        known = np.unique(early)
        if len(early) < 50 or len(late) < 20 or len(known) > 200:
            return None
        fresh = ~np.isin(late, known)
        share = float(fresh.mean())
        if fresh.sum() < 20 or share < self.new:
            return None
        n_new = len(np.unique(late[fresh]))
        words = f"has {count(n_new, 'new level')} in {percent(share)} of the last fifth of the rows"
        return {"kind": "new levels", "n_levels": n_new, "share": share, "serious": share >= 0.2, "words": words}

    def _takes_over(
        self, values: np.ndarray, cells: pl.Series, period: np.ndarray, time: Along
    ) -> dict[str, Any] | None:
        known = ~np.isnan(values)
        last = values[known & (period == period[-1])]
        if len(last) < 20 or len(np.unique(values[known][:5000])) < 5:
            return None
        distinct, counts = np.unique(last, return_counts=True)
        value = distinct[counts.argmax()]
        counts_of = np.bincount(period[known], weights=values[known] == value, minlength=period[-1] + 1)
        shares = counts_of / np.maximum(1, np.bincount(period[known], minlength=period[-1] + 1))
        full = shares >= 0.8
        at = len(full) - int(np.argmin(full[::-1]))  # the first period of the full ones at the end
        if not full[-1] or at <= 1 or at >= len(full) or (shares[: at - 1] > 0.2).any():
            return None
        start = int(np.searchsorted(period, at))
        share = 1 - start / len(values)
        if share < 0.02 or known[start:].sum() < 20:
            return None
        cell = cells[int(np.flatnonzero(values == value)[0])]
        shown = number(cell) if isinstance(cell, float) else repr(cell)
        words = f"is nearly always {shown} from {time.at(start)} on ({percent(share)} of the rows)"
        return {"kind": "takes over", "from": time.at(start), "share": share, "serious": True, "words": words}
