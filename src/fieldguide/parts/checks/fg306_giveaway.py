"""FG306: a column that alone gives the target away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import fire, not_applicable, passed, percent


@dataclass(frozen=True)
class Giveaway:
    """A column that alone tells nearly all about the target, and is perhaps not known when the model is asked.

    Formula: the share of the target's variance (for classes: of the Brier variance) that the means of 20 bins, or
    of the levels, of one half of the rows explain in the other half. It fires above 95 %; when the mere presence of
    a cell explains more than 50 %; when a number has the same order as the target (rank correlation above .999);
    and, as a hint, when one column explains more than 60 % and three times as much as the next.

    Why: the usual reason is a leak: a column filled in after the outcome, or computed from it. The model then looks
    brilliant until it is asked about rows whose outcome is not known yet.

    Remedy: ask when the column is known. If not before the prediction, set `data.columns.<name>: ignore`. If it is,
    say so in `problem.assumptions`.

    Source: the workflow guide, "Data Leakage".

    Needs: table, problem, truths, profile (associations: {output: [{column, explained}]}).
    """

    name: ClassVar[str] = "fg306_giveaway"
    code: ClassVar[str] = "FG306"
    title: ClassVar[str] = "A column that gives the target away"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    nearly_all: float = setting(0.95, "explained share from which it is a warning")
    hint: float = setting(0.6, "explained share from which a column that stands out is named")
    presence: float = setting(0.5, "share explained by presence alone from which it is a warning")

    def run(
        self, *, table: Table, problem: Problem, truths: Sequence[np.ndarray], profile: Mapping[str, Any]
    ) -> list[Finding]:
        findings = []
        for output, truth in zip(problem.outputs, truths):
            strengths = profile["associations"].get(output.name) or []
            if strengths:
                findings += self._judge(table, output, truth, strengths)
        return findings or [not_applicable(self, "No association was computed.")]

    def _judge(
        self, table: Table, output: Output, truth: np.ndarray, strengths: Sequence[Mapping[str, Any]]
    ) -> list[Finding]:
        explained = {entry["column"]: float(entry["explained"]) for entry in strengths}
        ranked = sorted(explained, key=lambda name: -explained[name])
        sure: dict[str, str] = {}
        for name in ranked:
            cells = table.frame[name]
            presence = _explained_by(cells.is_not_null().to_numpy(), truth, output)
            if explained[name] > self.nearly_all:
                sure[name] = f"{name!r} alone explains {percent(explained[name])} of {output.name!r}"
            elif presence > self.presence:
                sure[name] = f"whether {name!r} is filled in explains {percent(presence)} of {output.name!r}"
            elif output.family == "values" and cells.dtype.is_numeric():
                order = _rank_correlation(cells.to_numpy().astype(np.float64), truth)
                if abs(order) > 0.999:
                    sure[name] = f"{name!r} has the same order as {output.name!r} (rank correlation {order:.4f})"
        evidence = {"output": output.name, "explained": {name: explained[name] for name in ranked[:10]}}
        if sure:
            propose = dict.fromkeys(sure, "ignore")
            remedy = (
                f"If {'it is' if len(sure) == 1 else 'they are'} not known before the outcome, set "
                f"data.columns.{next(iter(sure))}: ignore."
            )
            text = "; ".join(list(sure.values())[:3])
            return [
                fire(
                    self,
                    text[0].upper() + text[1:] + ".",
                    remedy,
                    columns=sure,
                    evidence={**evidence, "propose": propose},
                )
            ]
        first, second = explained[ranked[0]], explained[ranked[1]] if len(ranked) > 1 else 0.0
        if len(ranked) > 1 and first > self.hint and first > 3 * second:
            sentence = (
                f"{ranked[0]!r} alone explains {percent(first)} of {output.name!r}, "
                f"and the next column, {ranked[1]!r}, {percent(second)}."
            )
            remedy = "Make sure that it is known when the model is asked."
            return [
                fire(self, sentence, remedy, severity="info", columns=ranked[:1], evidence={**evidence, "propose": {}})
            ]
        return [
            passed(
                self,
                f"No column gives {output.name!r} away: the strongest, {ranked[0]!r}, explains {percent(first)}.",
                evidence=evidence,
            )
        ]


def _explained_by(present: np.ndarray, truth: np.ndarray, output: Output) -> float:
    """Return the share of the target's variance between rows with and without the cell; 0 where either are few."""
    n, n_present = len(truth), int(present.sum())
    if min(n_present, n - n_present) < 30:
        return 0.0
    goal = np.eye(len(output.labels))[truth] if output.task.family == "classes" else truth[:, None].astype(np.float64)
    total = ((goal - goal.mean(axis=0)) ** 2).sum()
    gap = goal[present].mean(axis=0) - goal[~present].mean(axis=0)
    return float((gap**2).sum() * n_present * (n - n_present) / n / total) if total > 0 else 0.0


def _rank_correlation(values: np.ndarray, truth: np.ndarray) -> float:
    known = ~np.isnan(values)
    if known.sum() < 30 or len(np.unique(values[known])) < 30:
        return 0.0
    one, two = (np.unique(side[known], return_inverse=True)[1].astype(np.float64) for side in (values, truth))
    return float(np.corrcoef(one, two)[0, 1]) if min(one.std(), two.std()) > 0 else 0.0
