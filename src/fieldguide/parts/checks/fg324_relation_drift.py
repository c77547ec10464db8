"""FG324: the relation of features and target drifts along time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.seeds import generator
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._along import Along, along, goal, numbers_of
from fieldguide.parts.checks._answers import fire, not_applicable, passed, percent, span

MOST_ROWS = 8_000
MOST_COLUMNS = 60
N_FOLDS = 4
N_STRETCHES = 20
N_BATCHES = 24


@dataclass(frozen=True)
class RelationDrift:
    """A model of the earlier rows explains the later ones worse than a model of as many rows of their own period.

    Formula: the later half of the rows in twenty stretches of time, every fourth of which is held out in turn. Two boosting
    models learn from equally many rows: one from the earlier half, one from the rest of the later half (no block on both
    sides). Both predict the
    same rows; the difference of their squared errors, as a share of the target's variance among them, has a 95 % interval
    from the means of 24 consecutive batches (Student's t), so that neighbours in time do not count as independent. It
    fires when the interval lies above 0 and the loss is at least 4 %; as a warning from 8 %.

    Why: what was learned does not hold later: the score of shuffled rows promises what a model of the past cannot keep
    about the future.

    Remedy: split by time, so that the score includes the drift; learn from recent rows or give them more weight; plan to
    retrain, and watch the score in use.

    Source: Gama et al. (2014), A survey on concept drift adaptation; batch means: Law and Carson (1979).

    Needs: table, problem, roles, truths.
    """

    name: ClassVar[str] = "fg324_relation_drift"
    code: ClassVar[str] = "FG324"
    title: ClassVar[str] = "Drift of the relation along time"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    named: float = setting(0.04, "loss, as a share of the target's variance, from which it fires")
    large: float = setting(0.08, "loss, as a share of the target's variance, from which it is a warning")

    def run(self, *, table: Table, problem: Problem, roles: Roles, truths: Sequence[np.ndarray]) -> list[Finding]:
        time = along(table, roles, most=MOST_ROWS)
        if time is None:
            return [not_applicable(self, "No column tells the time of a row.")]
        columns = [c for c in table.features if c.role != "time" and c.name != time.column][:MOST_COLUMNS]
        if len(time.rows) < 400 or not columns:
            return [not_applicable(self, f"{len(time.rows):,} rows are too few to compare periods.")]
        x = np.column_stack([numbers_of(table.frame[c.name])[time.rows] for c in columns])
        kinds = [i for i, c in enumerate(columns) if c.kind == "category"]
        return [
            self._judge(output, goal(output, truth[time.rows]), x, kinds, time, roles.blocks[time.rows])
            for output, truth in zip(problem.outputs, truths)
        ]

    def _judge(
        self, output: Output, y: np.ndarray, x: np.ndarray, kinds: list[int], time: Along, blocks: np.ndarray
    ) -> Finding:
        n, half = len(y), len(y) // 2
        y = y[:, [int(np.argmax(y.var(axis=0)))]] if y.shape[1] > 1 else y  # many classes: the one that varies most
        past, near = np.full(n - half, np.nan), np.full(n - half, np.nan)
        stretches = np.array_split(np.arange(half, n), N_STRETCHES)
        chunks = [np.concatenate(stretches[side::N_FOLDS]) for side in range(N_FOLDS)]
        for number, chunk in enumerate(chunks):
            rng = generator(0, "relation drift", output.name, number)
            apart = ~np.isin(blocks, blocks[chunk])
            apart[chunk] = False
            early, other = np.flatnonzero(apart[:half]), half + np.flatnonzero(apart[half:])
            size = min(len(early), len(other))
            if size < 100:
                return not_applicable(self, "Blocks of rows reach over all periods.")
            early, other = (np.sort(rng.choice(side, size, replace=False)) for side in (early, other))
            for rows, error in ((early, past), (other, near)):
                predicted = _predicted(x[rows], y[rows, 0], x[chunk], kinds)
                error[chunk - half] = (y[chunk, 0] - predicted) ** 2
        spread = (y[half:, 0] - y[half:, 0].mean()) ** 2
        total = float(spread.mean())
        if total <= 0:
            return not_applicable(self, f"{output.name!r} does not vary in the later half.")
        batches = np.array([part.mean() for part in np.array_split((past - near) / total, min(N_BATCHES, n // 20))])
        loss, wide = float(batches.mean()), _t(len(batches)) * float(batches.std(ddof=1)) / math.sqrt(len(batches))
        interval = [loss - wide, loss + wide]
        then, now = 1 - float(past.mean()) / total, 1 - float(near.mean()) / total
        start = time.at(half)
        evidence: dict[str, Any] = {
            "output": output.name, "column": time.column, "from": start, "loss": loss, "interval": interval,
            "explained_by_past": then, "explained_by_near": now, "n": n - half,
        }  # fmt: skip
        told = f"{percent(max(0.0, now))} of {output.name!r} from {start} on when learned from rows of the same period"
        past_told = f"{percent(then)}" if then > 0 else "nothing"
        if interval[0] <= 0 or loss < self.named or now < 0.02:
            return passed(self, f"A model explains {told}, and {past_told} when learned from earlier rows.", evidence)
        sentence = (
            f"A model explains {told}, but {past_told} when learned from as many earlier rows: a loss of {percent(loss)} "
            f"{span(interval)} of its variance."
        )
        remedy = "Split by time so that the score includes this, learn from recent rows, and plan to retrain."
        severity: Severity = "warning" if loss >= self.large and time.sure else "info"
        return fire(self, sentence, remedy, severity=severity, columns=[output.name], evidence=evidence)


def _predicted(x: np.ndarray, y: np.ndarray, asked: np.ndarray, kinds: list[int]) -> np.ndarray:
    """Return predictions of a small boosting model of squared error; for classes it is the Brier score."""
    import lightgbm

    settings = {
        "objective": "regression", "learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 20, "verbosity": -1,
        "num_threads": 1, "seed": 0, "deterministic": True, "max_cat_threshold": 16, "max_bin": 63,
    }  # fmt: skip
    data = lightgbm.Dataset(x, y, categorical_feature=kinds or "auto", params={"verbosity": -1, "max_bin": 63})
    return np.asarray(lightgbm.train(settings, data, 40).predict(asked, num_threads=1))


def _t(n: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.975))
