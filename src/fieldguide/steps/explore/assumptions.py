"""Assumptions: what every study takes for granted, tested on development rows before any model is compared.

That the target can be predicted from the inputs (it beats its own shuffles), and that there are enough rows (a learning curve,
extrapolated). Both on a sample and with quick models, so that they cost seconds; their scores are nobody's candidate's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fieldguide.core.batch import Encoded
from fieldguide.core.candidate import Candidate, original_scale
from fieldguide.core.contracts import Effort, Metric, Roles
from fieldguide.core.leaderboard import readable, threshold_for
from fieldguide.core.problem import Output, Problem
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import generator
from fieldguide.core.settings import with_values
from fieldguide.core.statistics.learning_curve import fit_power_law
from fieldguide.core.table import Table
from fieldguide.core.transform import Transform
from fieldguide.parts import find, modality
from fieldguide.steps.explore.signal import MOST_ROWS, against_chance, auc, design_of, ranks_of, shuffled, units_of

MOST_LEARNED = 12_000
"""Rows of the largest fit of the learning curve."""
HALVINGS = 4
N_REPEATS = 3
HELD = 0.3
FEWEST_ROWS = 200
SHUFFLED_FITS = 19
SMALL = 4_000
MANY_LABELS = 30
"""Labels beyond which quick models have fewer rounds, and shuffles are compared on random sums of labels: time goes with labels."""


def assumptions(
    table: Table,
    problem: Problem,
    roles: Roles,
    metrics: Sequence[Mapping[str, Any]],
    *,
    seed: int = 0,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """Return the tests of both assumptions, for every output, and what the study states in words.

    Args:
        table: typed development rows.
        problem: its outputs; its assumptions in words, which nothing tests.
        roles: blocks and times of the same rows.
        metrics: what explore recommends or the study declares, per output: {metric, settings, smallest_difference}.

    Returns:
        {assumption, tested, …} as plain data, the tested ones with `holds` (True, False, or None: not known).
    """
    told: list[dict[str, Any]] = []
    for output, metric in zip(problem.outputs, metrics):
        told.append(predictable(table, output, roles, seed=seed, threads=threads))
        judge = find("metrics", metric["metric"])(**metric["settings"])
        told.append(enough_rows(
            table, output, roles, judge, problem, resolved=metric.get("smallest_difference"), seed=seed, threads=threads
        ))  # fmt: skip
    return [*told, *({"assumption": words, "tested": False} for words in problem.assumptions)]


# --- predictable from the inputs -------------------------------------------------------------------------------------


def goal_of(output: Output, truth: np.ndarray) -> np.ndarray:
    """Return a target as columns of numbers: one per label but the first; a value by its rank, which no tail pulls.

    Many labels are told by `MANY_LABELS` random sums of them: a test by shuffles is as valid on these, and its time goes with the columns.

    Shape:
        returns: (rows, n_columns) float64
    """
    if output.task.family == "classes":
        if len(output.labels) > MANY_LABELS:
            return generator(0, "sums of labels").normal(size=(len(output.labels), MANY_LABELS))[truth]
        return np.eye(len(output.labels))[truth][:, 1:]
    return ranks_of(truth)[:, None]


def predictable(table: Table, output: Output, roles: Roles, *, seed: int = 0, threads: int = 1) -> dict[str, Any]:
    """Return whether the target can be told from its own shuffles: a permutation test.

    A ridge regression on bins, levels and random hidden units first; where that finds nothing, a small boosting model
    on at most 4,000 rows, 19 shuffles and their fitted normal distribution. The smaller p counts, doubled.
    """
    design = design_of(table, roles, seed=seed)
    truth = output.code(table.frame[output.name])[design.rows]
    goal = goal_of(output, truth)
    test = against_chance(design, goal, seed=seed)
    p, by = test.p, "ridge"
    if 2 * p > 0.05:
        second = _boosted_p(table, output, roles, seed=seed, threads=threads)
        if second < p:
            p, by = second, "boosting"
        p = min(1.0, 2 * p)
    score = auc(truth == 1, test.predicted[:, 0]) if output.family == "binary" else None
    return {
        "assumption": f"{output.name} can be predicted from the inputs", "kind": "predictable", "tested": True, "output": output.name,
        "holds": p <= 0.05, "p": p, "by": by, "explained": test.explained, "by_chance": test.by_chance, "roc_auc": score,
        "n": len(design.rows), "n_shuffles": test.n_shuffles, "n_units": len(np.unique(design.units)),
    }  # fmt: skip


def _boosted_p(table: Table, output: Output, roles: Roles, *, seed: int, threads: int) -> float:
    """Return a one-sided p from the score of a small boosting model among its shuffles, by Student's t for a new draw."""
    from scipy.special import stdtr

    rng = generator(seed, "boosted shuffles")
    chosen = np.sort(rng.permutation(table.n_rows)[:SMALL])
    settings = {"n_rounds": _rounds(25, output), "num_leaves": 7, "learning_rate": 0.2}
    quick = _Quick.of(table, output, roles, chosen, settings, seed, threads)
    codes = np.unique(quick.units, return_inverse=True)[1]
    held = (rng.permutation(codes.max() + 1) % 2 == 0)[codes]
    fit, judged = np.flatnonzero(~held), np.flatnonzero(held)
    if min(len(fit), len(judged)) < 20:
        return 1.0
    goal = quick.goal
    scores = []
    for i in range(SHUFFLED_FITS + 1):
        order = np.arange(len(fit)) if i == 0 else _dealt(quick.units[fit], rng)
        predicted = quick.fitted(fit, judged, quick.truth[fit][order])
        scores.append(-float(((goal[judged] - predicted) ** 2).mean()))
    null = np.array(scores[1:])
    spread = null.std(ddof=1) * np.sqrt(1 + 1 / len(null))
    return float(stdtr(len(null) - 1, -(scores[0] - null.mean()) / spread)) if spread > 0 else 1.0


def _rounds(usual: int, output: Output) -> int:
    """Return the rounds of a quick model: each has a tree for every label."""
    n_labels = len(output.labels) if output.task.family == "classes" else 1
    return usual if n_labels <= MANY_LABELS else max(5, usual * MANY_LABELS // n_labels)


def _dealt(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return shuffled(np.arange(len(units)), units, 1, rng)[:, 0].astype(np.int64)


# --- enough rows -----------------------------------------------------------------------------------------------------


def enough_rows(
    table: Table,
    output: Output,
    roles: Roles,
    metric: Metric,
    problem: Problem,
    *,
    resolved: float | None = None,
    seed: int = 0,
    threads: int = 1,
) -> dict[str, Any]:
    """Return the learning curve of a quick boosting model in the study's metric, and what twice the rows would buy.

    Five sizes, each half of the next, three draws each; units are whole on one side. The sizes are drawn from the rows that are
    not judged, nested, so that a curve differs from size to size by its rows alone. There are enough rows unless the interval of
    the gain from twice as many lies above what a gain is worth: `problem.success`, else the smallest difference that these rows
    can resolve (`resolved`).
    """
    told: dict[str, Any] = {
        "assumption": f"there are enough rows to learn {output.name}", "kind": "enough", "tested": True, "output": output.name, "holds": None,
    }  # fmt: skip
    rng = generator(seed, "learning curve")
    chosen = np.sort(rng.permutation(table.n_rows)[: min(MOST_ROWS, round(MOST_LEARNED / (1 - HELD)))])
    if len(chosen) < FEWEST_ROWS:
        return {**told, "silence": f"{len(chosen):,} rows are too few for a curve; it takes {FEWEST_ROWS}"}
    settings = {"n_rounds": _rounds(40, output), "num_leaves": 15, "learning_rate": 0.15, "patience": 10}
    quick = _Quick.of(table, output, roles, chosen, settings, seed, threads)
    codes = np.unique(quick.units, return_inverse=True)[1]
    n_units = int(codes.max()) + 1
    if n_units < 16:
        return {**told, "silence": f"{n_units} groups are too few for a curve"}
    sign = -1.0 if metric.greater_is_better else 1.0
    n_learned = round((1 - HELD) * len(chosen))
    sizes = np.array([n_learned / 2**k for k in range(HALVINGS, -1, -1)]).round().astype(int)
    # Units one after the other, at random.
    orders = [np.argsort(rng.permutation(n_units)[codes], kind="stable") for _ in range(N_REPEATS)]
    if any(_lacks_a_class(output, quick.truth[order[n_learned:]]) for order in orders):
        return {**told, "silence": "too few rows of a class for a curve"}
    errors = sign * _scores(quick, orders, sizes, metric, problem)
    if not np.isfinite(errors).all():
        return {**told, "silence": "too few rows of a class for a curve"}
    law = fit_power_law(sizes, errors, seed=seed)
    now = float(table.n_rows)
    gain, interval = law.gain(now, 2 * now)
    curve = [{"n": int(n), "score": float(sign * e.mean()), "fitted": sign * law.at(n)} for n, e in zip(sizes, errors)]
    ahead = []
    for n in (now, 2 * now, 4 * now):
        ends = sorted(sign * end for end in law.interval(n))
        ahead.append({"n": int(n), "fitted": sign * law.at(n), "interval": ends})
    worth = problem.success or resolved
    beyond = interval[0] > (worth or 0.0)
    return {
        **told, "holds": not beyond, "metric": metric.name, "title": metric.title, "curve": curve, "ahead": ahead, "law": law.to_dict(),
        "gain": gain, "gain_interval": list(interval), "worth": worth, "n_rows": table.n_rows,
        "learned_from": int(sizes[-1]), "n_judged": len(chosen) - n_learned,
    }  # fmt: skip


def _lacks_a_class(output: Output, truth: np.ndarray) -> bool:
    """Return whether rows to be judged hold no row of some class, of which a score cannot be told then."""
    return output.task.family == "classes" and len(np.unique(truth)) < len(output.labels)


def _scores(
    quick: _Quick, orders: Sequence[np.ndarray], sizes: np.ndarray, metric: Metric, problem: Problem
) -> np.ndarray:
    """Return what models of so many rows score, in each order of the rows: its first ones are learned from, the last ones judged.

    Shape:
        returns: (sizes, orders)
    """
    scores = np.full((len(sizes), len(orders)), np.nan)
    for place, order in enumerate(orders):
        rest, judged = np.split(order, [sizes[-1]])
        own = None if quick.score_weights is None else quick.score_weights[judged]
        for i, size in enumerate(sizes):
            predicted = quick.fitted(rest[:size], judged, quick.truth[rest[:size]])
            scores[i, place] = _scored(metric, quick.output, quick.truth[judged], predicted, problem, own)
    return scores


def _scored(
    metric: Metric,
    output: Output,
    truth: np.ndarray,
    prediction: np.ndarray,
    problem: Problem,
    weights: np.ndarray | None,
) -> float:
    threshold = threshold_for(replace(output, metric=metric), truth, prediction, problem.costs, weights=weights)
    return float(metric.score(truth, readable(output, prediction, metric, threshold), weights))


class _Quick:
    """Rows encoded once, on which a small boosting model is fitted many times.

    The encoding sees the features of all its rows, and no target: what is compared are sizes and shuffles on the same encoding.
    """

    def __init__(self, rows: Rows, output: Output, units: np.ndarray, learner: Any, effort: Effort) -> None:
        self.output, self.units, self.learner, self.effort = output, units, learner, effort
        candidate = Candidate.of("quick", learner)
        self.batch = Transform.fit(candidate.recipe, rows, modality).encode(rows.cells, len(rows))
        self.truth, self.weights, self.score_weights = rows.truths[0], rows.weights, rows.score_weights

    @staticmethod
    def of(
        table: Table,
        output: Output,
        roles: Roles,
        chosen: np.ndarray,
        settings: Mapping[str, Any],
        seed: int,
        threads: int,
    ) -> _Quick:
        rows = Rows.of(table.take(chosen), (output,), modality)
        learner = with_values(find("learners", "boosting")(), dict(settings))
        return _Quick(rows, output, units_of(roles.take(chosen)), learner, Effort(seed, threads))

    @property
    def goal(self) -> np.ndarray:
        """(rows, width) what predictions are compared with: one-hot classes, or values."""
        if self.output.task.family == "classes":
            return np.eye(len(self.output.labels))[self.truth]
        return np.asarray(self.truth, np.float64)[:, None]

    def fitted(self, fit: np.ndarray, judged: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return the prediction of the judged rows, on the original scale, by a model fitted on other rows with these labels."""
        n_stop = max(1, len(fit) // 6)
        fit, stop = fit[n_stop:], fit[:n_stop]
        truths = labels[n_stop:], labels[:n_stop]
        train, held = (
            Encoded(
                self.batch.take(rows),
                (truth if self.output.task.family == "classes" else self.output.to_fit(truth),),
                None if self.weights is None else self.weights[rows],
            )
            for rows, truth in ((fit, truths[0]), (stop, truths[1]))
        )
        estimator = self.learner.fit(train, held, (self.output,), self.effort)
        return original_scale(estimator.predict(self.batch.take(judged)), (self.output,))[0]
