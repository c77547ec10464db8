"""FG320: cells that are missing for a reason: with the target, along time, in a segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._along import (
    Along,
    along,
    chi_square,
    design,
    explained,
    goal,
    joined,
    looked_at,
    periods,
    sampled,
    segments,
)
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, verb


@dataclass(frozen=True)
class MissingNotAtRandom:
    """Columns whose missing cells go with the target, with time or with a segment.

    Formula: for each column with at least 30 missing and 30 known cells: the share of the target's variance between
    rows with and without the cell, by the F test; and the association of "missing" with ten periods of time and with
    the levels of other columns, by the chi-squared test. Every p-value is multiplied by the number of tests (Bonferroni),
    and counts rows by blocks where rows come in blocks. A column is named when p < 0.001 and the effect matters: 1 % of
    the target's variance, or Cramér's V (without its bias) of 0.2 with time and 0.3 with a segment.

    Why: a missing cell then carries information: on the target (perhaps it is filled in after the outcome), on a form
    or a source that changed. Filling in an average hides it, and when the reason changes, the model errs.

    Remedy: find out why the cells are missing. The indicator column beside each filled number keeps what it tells; if
    the reason will not hold when the model is asked, leave the column out (`data.columns.<name>: ignore`).

    Source: Rubin (1976), Inference and Missing Data; Bergsma (2013), A bias-correction for Cramér's V.

    Needs: table, problem, roles, truths.
    """

    name: ClassVar[str] = "fg320_missing_not_at_random"
    code: ClassVar[str] = "FG320"
    title: ClassVar[str] = "Missing not at random"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    target: float = setting(0.01, "share of the target's variance explained by presence from which a column is named")
    strong: float = setting(0.2, "share of the target's variance explained by presence from which it is a warning")
    time: float = setting(0.2, "Cramér's V of missing and period from which a column is named")
    segment: float = setting(0.3, "Cramér's V of missing and segment from which a column is named")

    def run(self, *, table: Table, problem: Problem, roles: Roles, truths: Sequence[np.ndarray]) -> list[Finding]:
        rows = sampled(table.n_rows)
        missing = {}
        for column in looked_at(table):
            gone = table.frame[column.name].is_null().to_numpy()
            if min(gone[rows].sum(), (~gone[rows]).sum()) >= 30:
                missing[column.name] = gone
        if not missing:
            return [not_applicable(self, "No column has 30 missing and 30 known cells.")]
        tests = list(self._tests(table, problem, roles, truths, missing, rows))
        found = [t for t in tests if t["p"] * len(tests) < 1e-3 and t["effect"] >= t["least"]]
        if not found:
            n = len(missing)
            text = f"In {count(n, 'column')} with missing cells none of {len(tests)} tests finds a reason that matters."
            return [passed(self, text, evidence={"n_tests": len(tests)})]
        found.sort(key=lambda t: -t["effect"] / t["least"])
        columns = list(dict.fromkeys(t["column"] for t in found))
        strong = [t for t in found if t["with"] == "target" and t["effect"] >= self.strong]
        sentence = (
            f"{count(len(columns), 'column')} {verb(len(columns), 'is', 'are')} missing for a reason: "
            f"{joined([t['said'] for t in found])}."
        )
        remedy = (
            "Find out why these cells are missing, and whether they will be in the same way when the model is asked."
        )
        evidence = {
            "n_tests": len(tests),
            "tests": [{k: v for k, v in t.items() if k not in ("said", "least")} for t in found[:30]],
        }
        severity: Severity = "warning" if strong else "info"
        return [fire(self, sentence, remedy, severity=severity, columns=columns, evidence=evidence)]

    def _tests(
        self, table: Table, problem: Problem, roles: Roles, truths: Sequence[np.ndarray],
        missing: dict[str, np.ndarray], rows: np.ndarray,
    ) -> Iterator[dict[str, Any]]:  # fmt: skip
        """Yield one entry per test: column, with, name, p, effect, least, said."""
        weight = design(roles, rows)
        time = along(table, roles)
        divided = segments(table, rows)
        for name, gone in missing.items():
            inside = gone[rows]
            for output, truth in zip(problem.outputs, truths):
                y = goal(output, truth[rows])
                share = explained(inside.astype(np.int64), y)
                what = _by_target(output, truth[rows], inside)
                yield {
                    "column": name, "with": "target", "name": output.name, "p": _f_test(inside, y, weight), "effect": share,
                    "least": self.target, "said": f"{name!r} with the target {output.name!r} ({what})",
                }  # fmt: skip
            if time is not None:
                yield self._with_time(name, gone, time, roles)
            for segment in divided:
                if segment.column == name:
                    continue
                known = segment.codes >= 0
                if min(inside[known].sum(), (~inside[known]).sum()) < 30:
                    continue  # both are missing together
                p, v = chi_square(inside[known].astype(np.int64), segment.codes[known], weight)
                shares = [inside[segment.codes == code].mean() for code in range(len(segment.levels))]
                low, high = int(np.argmin(shares)), int(np.argmax(shares))
                yield {
                    "column": name, "with": "segment", "name": segment.column, "p": p, "effect": v, "least": self.segment,
                    "said": f"{name!r} with {segment.column!r} ({percent(shares[high])} missing where it is "
                    f"{segment.levels[high]!r}, {percent(shares[low])} where it is {segment.levels[low]!r})",
                }  # fmt: skip

    def _with_time(self, name: str, gone: np.ndarray, time: Along, roles: Roles) -> dict[str, Any]:
        period = periods(time.times, 10)
        inside = gone[time.rows]
        p, v = chi_square(inside.astype(np.int64), period, design(roles, time.rows))
        shares = np.bincount(period, weights=inside) / np.bincount(period)
        return {
            "column": name, "with": "time", "name": time.column, "p": p, "effect": v, "least": self.time,
            "said": f"{name!r} {time.words} (between {percent(shares.min())} and {percent(shares.max())} missing in "
            f"{len(shares)} periods)",
        }  # fmt: skip


def _f_test(groups: np.ndarray, y: np.ndarray, weight: float) -> float:
    """Return the p-value of a difference of means between two groups, the worst of the target's columns corrected."""
    from scipy.special import chdtrc

    n, one = len(groups), int(groups.sum())
    p = 1.0
    for column in y.T:
        gap = column[groups].mean() - column[~groups].mean()
        within = (column[groups].var() * one + column[~groups].var() * (n - one)) / max(1, n - 2)
        if within > 0:
            z2 = gap**2 / (within * (1 / one + 1 / (n - one))) * weight
            p = min(p, float(chdtrc(1, z2)) * y.shape[1])
        elif gap:
            p = 0.0
    return min(1.0, p)


def _by_target(output: Any, truth: np.ndarray, gone: np.ndarray) -> str:
    if output.task.family == "classes":
        rates = [np.bincount(truth[side], minlength=len(output.labels)) / side.sum() for side in (gone, ~gone)]
        k = 1 if output.family == "binary" else int(np.abs(rates[0] - rates[1]).argmax())
        return f"{percent(rates[0][k])} {output.labels[k]!r} where it is missing, {percent(rates[1][k])} elsewhere"
    return f"mean {number(truth[gone].mean())} where it is missing, {number(truth[~gone].mean())} elsewhere"
