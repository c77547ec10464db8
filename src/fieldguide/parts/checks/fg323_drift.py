"""FG323: features whose values drift along time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._along import (
    Along,
    along,
    binned,
    chi_square,
    design,
    joined,
    looked_at,
    numbers_of,
    periods,
    stability,
    timelike,
)
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, verb

N_PERIODS = 10


ONE_WAY = 0.85
"""Kendall's tau between periods and their means from which a column goes one way."""


@dataclass(frozen=True)
class Drift:
    """Features that are distributed otherwise in the latest rows than in the earliest.

    Formula: the population stability index, sum of (q - p) ln(q / p) over ten quantile bins (levels for categories,
    missing as one more), between the first and the last 30 % of the rows, less what chance gives. A column is named from
    0.1 on, when the chi-squared test over all ten periods has p < 0.001 after Bonferroni's correction for the columns. It is a
    warning when the index is above 0.25 and the last tenth of the rows is as far from each tenth of the first half, or the means of
    the tenths go one way (Kendall's tau 0.85): a season returns, a drift does not. "From" is the border of periods that parts the values best. Columns that tell the time
    itself (a counter, a year) are left out.

    Why: a model is asked about rows later than all it learned from. Where features move, it answers about rows it has
    hardly seen, and a score from shuffled rows does not hold.

    Remedy: split by time, so that the score includes the drift; train on recent rows; watch these columns in use. If a
    column moved because its meaning changed, mend it or leave it out.

    Source: Siddiqi (2006), Credit Risk Scorecards, for the bounds of the index.

    Needs: table, roles.
    """

    name: ClassVar[str] = "fg323_drift"
    code: ClassVar[str] = "FG323"
    title: ClassVar[str] = "Drift of features along time"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    named: float = setting(0.1, "population stability index from which a column is named")
    large: float = setting(0.25, "population stability index from which it is a warning, if it does not return")

    def run(self, *, table: Table, roles: Roles) -> list[Finding]:
        time = along(table, roles)
        if time is None:
            return [not_applicable(self, "No column tells the time of a row.")]
        period, fine = periods(time.times, N_PERIODS), periods(time.times, 40)
        columns = [column.name for column in looked_at(table) if column.name != time.column]
        if len(time.rows) < 200 or period[-1] < 4 or not columns:
            return [not_applicable(self, f"{len(time.rows):,} rows in {period[-1] + 1} periods are too few.")]
        weight = design(roles, time.rows)
        found: dict[str, dict[str, Any]] = {}
        n_timelike = 0
        for name in columns:
            values = numbers_of(table.frame[name])[time.rows]
            if timelike(values, fine):
                n_timelike += 1
                continue
            entry = self._judge(values, period, weight, len(columns), time)
            if entry is not None:
                found[name] = entry
        evidence = {"column": time.column, "n_columns": len(columns), "tell_the_time": n_timelike}
        if not found:
            return [passed(self, f"None of {count(len(columns), 'column')} drifts {time.words}.", evidence=evidence)]
        order = sorted(found, key=lambda name: -found[name]["psi"])
        texts = [f"{name!r} (index {number(found[name]['psi'])}, from {found[name]['from']})" for name in order]
        n = len(order)
        sentence = f"{count(n, 'column')} {verb(n, 'drifts', 'drift')} {time.words}: {joined(texts)}."
        remedy = "Split by time so that the score includes the drift, and watch these columns in use."
        severity: Severity = "warning" if any(entry["lasting"] for entry in found.values()) else "info"
        return [fire(self, sentence, remedy, severity=severity, columns=order, evidence={**evidence, "drift": found})]

    def _judge(
        self, values: np.ndarray, period: np.ndarray, weight: float, n_columns: int, time: Along
    ) -> dict[str, Any] | None:
        codes = binned(values)
        k, n, m = int(codes.max()) + 1, len(codes), int(0.3 * len(codes))
        psi = stability(codes[:m], codes[n - m :], k)
        if psi < self.named:
            return None
        p, v = chi_square(codes, period, weight)
        if p * n_columns >= 1e-3:
            return None
        last = period == period[-1]
        nearest = min(stability(codes[period == i], codes[last], k) for i in range((int(period[-1]) + 1) // 2))
        cut = max(range(1, int(period[-1]) + 1), key=lambda i: chi_square(codes, (period >= i).astype(np.int64))[1])
        start = time.at(int(np.searchsorted(period, cut)))
        lasting = bool(psi >= self.large and (nearest >= self.large or _one_way(codes, period)))
        return {"psi": psi, "nearest": nearest, "v": v, "p": p, "from": start, "lasting": lasting}


def _one_way(codes: np.ndarray, period: np.ndarray) -> bool:
    """Whether the mean bin of the periods rises, or falls, from nearly each to every later one: a season would turn back.

    Examples:
        >>> steady = np.repeat(np.arange(10), 50)
        >>> _one_way(steady, steady), _one_way(np.abs(steady - 5), steady)
        (True, False)
    """
    means = np.bincount(period, weights=codes) / np.bincount(period)
    i, j = np.triu_indices(len(means), 1)
    return bool(abs(np.sign(means[j] - means[i]).mean()) >= ONE_WAY)
