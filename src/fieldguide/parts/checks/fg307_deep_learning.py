"""FG307: should deep learning be used here at all?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.seeds import generator
from fieldguide.core.settings import setting
from fieldguide.core.table import MEDIA_KINDS, Table
from fieldguide.parts.checks._answers import count, fire, percent

MOST_ROWS, MOST_LEVELS = 5_000, 20


@dataclass(frozen=True)
class DeepLearning:
    """A verdict, before any model is fitted: is a network likely to earn its place on these rows?

    Formula: the number of rows; whether a column has structure a network is made for (text, image, sound, series);
    and the share of the target's variance (for classes: of the Brier variance) that straight lines explain, by
    ridge regression on numbers and frequent levels, fitted on one half of the rows and judged on the other.

    Why: with structure, networks are the answer: convolutions for space, recurrence or attention for sequences,
    pretrained where possible. Without it (a table), a fully connected network competes with boosting: it rarely
    wins under a thousand rows, and has little to find where straight lines explain nearly everything.

    Remedy: let it try: the paired difference to the best baseline decides, not this forecast. Under "unlikely",
    plan to ship the baseline.

    Source: the workflow guide, "when to (or not to) use Deep Learning"; Grinsztajn et al. (2022), Why do tree-based
    models still outperform deep learning on tabular data?; McElfresh et al. (2023), When Do Neural Nets Outperform
    Boosted Trees on Tabular Data?

    Needs: table, media, problem, truths.
    """

    name: ClassVar[str] = "fg307_deep_learning"
    code: ClassVar[str] = "FG307"
    title: ClassVar[str] = "Should deep learning be used here?"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    few: int = setting(1_000, "rows [rows] below which a network is unlikely to pay on a plain table")
    many: int = setting(10_000, "rows [rows] from which it is worth a serious try")
    straight: float = setting(0.95, "share explained by straight lines that leaves a network nothing to find")

    def run(self, *, table: Table, media: Table, problem: Problem, truths: Sequence[np.ndarray]) -> list[Finding]:
        structured = [c.name for c in media.features if c.kind in MEDIA_KINDS]
        explained = straight_lines(table, problem.output, truths[0])
        n, plain = table.n_rows, "no structure in space or sequence"
        lines = f"straight lines explain {percent(explained)} of {problem.output.name!r}"
        facts = f"{count(n, 'row')}, {plain}, and {lines}"
        if structured:
            verdict = "likely"
            facts = f"{count(n, 'row')}, {count(len(structured), 'column')} with structure"
            if table.features:
                facts += (
                    f", and of {problem.output.name!r} straight lines on the other columns explain {percent(explained)}"
                )
            sentence = f"A network is likely to pay: {facts}."
        elif explained > self.straight:
            verdict, sentence = "unlikely", f"A network is unlikely to pay: {facts}, which leaves it little to find."
        elif n < self.few:
            verdict, sentence = (
                "unlikely",
                f"A network is unlikely to pay: {facts}; boosting or a linear model should be hard to beat.",
            )
        elif n < self.many:
            verdict, sentence = "open", f"A network may pay: {facts}; on tables of this size boosting often wins."
        else:
            verdict, sentence = "worth a try", f"A network is worth a try beside boosting: {facts}."
        remedy = {
            "likely": "Start from a pretrained network of the data's structure.",
            "unlikely": "Expect to ship the baseline; the network has to earn its place by the paired difference.",
            "open": "Let both run; the paired difference decides.",
            "worth a try": "Start with 2 to 3 hidden layers, ReLU, BatchNorm and Adam; the paired difference decides.",
        }[verdict]
        evidence = {"verdict": verdict, "n_rows": n, "structured": structured, "explained_by_straight_lines": explained}
        return [fire(self, sentence, remedy, evidence=evidence)]


def straight_lines(table: Table, output: Output, truth: np.ndarray) -> float:
    """Return the share of the target's variance that ridge regression explains on rows it was not fitted on, at
    least 0."""
    rng = generator(0, "straight lines")
    rows = np.sort(rng.permutation(table.n_rows)[:MOST_ROWS])
    inputs = _flat(table.take(rows))
    goal = (
        np.eye(len(output.labels))[truth[rows]]
        if output.task.family == "classes"
        else truth[rows, None].astype(np.float64)
    )
    half = rng.permutation(len(rows)) % 2
    shares = []
    for side in (0, 1):
        fit, judge = half == side, half != side
        center = goal[fit].mean(axis=0)
        mean, spread = inputs[fit].mean(axis=0), inputs[fit].std(axis=0)
        scaled = np.clip((inputs - mean) / np.where(spread > 0, spread, 1.0), -5, 5)
        penalty = np.eye(scaled.shape[1])
        weights = np.linalg.solve(scaled[fit].T @ scaled[fit] + penalty, scaled[fit].T @ (goal[fit] - center))
        total = ((goal[judge] - center) ** 2).sum()
        error = ((goal[judge] - center - scaled[judge] @ weights) ** 2).sum()
        shares.append(1 - error / total if total > 0 else 0.0)
    return max(0.0, float(np.mean(shares)))


def _flat(table: Table) -> np.ndarray:
    """Return numbers (missing at the mean, with an indicator) and 0/1 columns of the frequent levels: (rows,
    width)."""
    columns = [np.zeros(table.n_rows)]
    for column in table.features:
        cells = table.frame[column.name]
        if column.kind == "category":
            for level in cells.drop_nulls().value_counts(sort=True)[column.name].to_list()[:MOST_LEVELS]:
                columns.append((cells == level).fill_null(False).to_numpy().astype(np.float64))
            continue
        values = (cells.to_physical() if cells.dtype.is_temporal() else cells).cast(float).to_numpy().astype(np.float64)
        known = ~np.isnan(values)
        columns.append(np.where(known, values, values[known].mean() if known.any() else 0.0))
        if not known.all():
            columns.append(known.astype(np.float64))
    return np.stack(columns, axis=1)
