"""FG322: recent rows whose outcomes have not arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.settings import setting
from fieldguide.core.statistics.maturity import immature_from
from fieldguide.core.table import Table
from fieldguide.parts.checks._along import MICROSECONDS_PER_DAY, Along, along, quoted, said
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent


@dataclass(frozen=True)
class LateLabels:
    """The share of positives falls at the end of the table because outcomes have not arrived yet.

    Formula: where a column holds the time of the outcome (a date filled for positives only, later than the row's time),
    the delays of positives give the share F(age) of outcomes that arrive within an age: the product-limit estimate for
    delays cut off by the last day (Lagakos). Rows younger than the age at which 95 % have arrived are immature; expected
    missing positives are the rate of older rows times 1 - F(age), summed. It fires when at least 10 and 10 % of the
    positives of the immature rows are expected to be missing. Without such a column: a delay curve must explain the fall
    of the rate at the end better than a constant, a trend, a cubic curve, a wave of any period and a step, by likelihood
    corrected for overdispersion (`immature_from`).

    Why: a row whose outcome has not arrived counts as negative. The model learns that recent rows are negative, and the
    sealed rows, which are the most recent, are judged by labels that are wrong.

    Remedy: leave immature rows out until their outcome is known, as the remedy's expression does.

    Source: Lagakos, Barraj and De Gruttola (1988); Chapelle (2014), Modeling Delayed Feedback.

    Needs: table, problem, roles, truths.
    """

    name: ClassVar[str] = "fg322_late_labels"
    code: ClassVar[str] = "FG322"
    title: ClassVar[str] = "Labels that have not arrived"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    arrived: float = setting(0.95, "share of outcomes that must have arrived for a row to be mature")
    fewest: float = setting(10.0, "expected missing positives from which it fires")

    def run(self, *, table: Table, problem: Problem, roles: Roles, truths: Sequence[np.ndarray]) -> list[Finding]:
        time = along(table, roles, most=2_000_000)
        if time is None:
            return [not_applicable(self, "No column tells the time of a row.")]
        found = [
            self._judge(table, output, truth, time)
            for output, truth in zip(problem.outputs, truths)
            if output.family == "binary"
        ]
        return found or [not_applicable(self, "No target has two classes.")]

    def _judge(self, table: Table, output: Output, truth: np.ndarray, time: Along) -> Finding:
        positive = truth[time.rows] == 1
        for column in table.columns:
            if time.dated and column.kind == "datetime" and column.name != time.column:
                entry = self._delays(table.frame[column.name], time, positive)
                if entry is not None and entry["missing"] >= max(self.fewest, 0.1 * entry["expected"]):
                    return self._from_delays(output, column.name, time, entry)
        late = immature_from(time.times, positive)
        if late is None:
            return passed(self, f"The rate of {output.name!r} {time.words} does not end in a delay curve.")
        start = time.at(int(np.searchsorted(time.times, late.from_time)))
        sentence = (
            f"From {start} on the share of {output.labels[1]!r} falls from {percent(late.rate_before)} to "
            f"{percent(late.rate_after)} in the shape of a delay: outcomes of {count(late.n, 'row')} seem not to have arrived."
        )
        evidence = {
            "output": output.name, "column": time.column, "from_time": late.from_time, "from": start, "n": late.n,
            "rate_before": late.rate_before, "rate_after": late.rate_after, "p": late.p,
        }  # fmt: skip
        return fire(self, sentence, _remedy(time, start), columns=[output.name], evidence=evidence)

    def _delays(self, outcome: pl.Series, time: Along, positive: np.ndarray) -> dict[str, Any] | None:
        """Return the delay curve's facts where a column is the time of the positive outcome."""
        micros = outcome.cast(pl.Datetime("us")).to_physical()
        filled = micros.is_not_null().to_numpy()[time.rows]
        if positive.sum() < 50 or filled[positive].mean() < 0.9 or filled[~positive].mean() > 0.1:
            return None
        at = micros.fill_null(0).to_numpy()[time.rows]
        both = filled & positive
        delay = (at - time.times)[both]
        if (delay < 0).mean() > 0.02:
            return None
        delay = np.maximum(delay, 0)
        end = max(int(time.times[-1]), int(at[both].max()))
        ages, share = arrival(delay, end - time.times[both])
        wait = int(ages[min(int(np.searchsorted(share, self.arrived)), len(ages) - 1)])
        immature = end - time.times < wait
        if not 0 < immature.sum() <= 0.5 * len(immature):
            return None
        rate = float(positive[~immature].mean())
        place = np.searchsorted(ages, end - time.times[immature], side="right")
        here = np.concatenate([[0.0], share])[place]
        return {
            "from_time": end - wait, "wait_days": wait / MICROSECONDS_PER_DAY, "n": int(immature.sum()),
            "median_days": float(ages[int(np.searchsorted(share, 0.5))]) / MICROSECONDS_PER_DAY,
            "expected": rate * int(immature.sum()), "missing": float((rate * (1 - here)).sum()),
            "rate_before": rate, "rate_after": float(positive[immature].mean()),
        }  # fmt: skip

    def _from_delays(self, output: Output, name: str, time: Along, entry: dict[str, Any]) -> Finding:
        start = said(entry["from_time"])
        sentence = (
            f"{name!r} tells when {output.name!r} became known: after {number(entry['median_days'])} days in half of the cases, "
            f"after {number(entry['wait_days'])} in {percent(self.arrived)}; of {count(entry['n'], 'row')} from {start} on about "
            f"{entry['missing']:,.0f} positives have not arrived."
        )
        evidence = {"output": output.name, "column": time.column, "outcome_time": name, "from": start, **entry}
        return fire(self, sentence, _remedy(time, start), columns=[output.name, name], evidence=evidence)


def arrival(delay: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (ages, share arrived by that age) from delays that are seen only where they are at most their limit.

    The product-limit estimate in reversed time: F(d) is the product over later delays u of 1 - n(u) / r(u), where n(u)
    counts delays of u and r(u) the rows with delay <= u <= limit. F is 1 at the longest delay seen.

    Shape:
        delay, limit: (positives,) int64 microseconds, delay <= limit
        returns: (distinct delays,) int64 ascending, (distinct delays,) float64

    Examples:
        >>> ages, share = arrival(np.array([1, 1, 2, 5]), np.array([9, 9, 9, 9]))
        >>> ages.tolist(), share.tolist()
        ([1, 2, 5], [0.5, 0.75, 1.0])
    """
    ages, n = np.unique(delay, return_counts=True)
    at_risk = np.searchsorted(np.sort(delay), ages, side="right") - np.searchsorted(np.sort(limit), ages, side="left")
    keep = 1 - n / np.maximum(at_risk, n)
    later = np.concatenate([np.cumprod(keep[::-1])[::-1][1:], [1.0]])
    return ages, later


def _remedy(time: Along, start: str) -> str:
    if not time.dated:
        return f"Leave the rows from {start} on out of the table until their outcomes are known."
    return f"Leave these rows out until their outcomes are known: population: {{train: \"{quoted(time.column)} < '{start}'\"}}."
