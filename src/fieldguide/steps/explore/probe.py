"""Probe: a quick model of every output on a sample of the development rows. What do all columns together explain?

The yardstick of checks that ask whether one column is too good beside the rest. Knows development rows only; its predictions
are cross-fitted over whole blocks, and they judge columns, never candidates: a study's scores come from its own folds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from fieldguide.core.batch import Batch
from fieldguide.core.blocks import connect, same
from fieldguide.core.candidate import Candidate, Fitted, original_scale
from fieldguide.core.contracts import Effort, Roles
from fieldguide.core.evaluate import Evaluation, evaluate
from fieldguide.core.problem import Output, Problem
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import generator
from fieldguide.core.settings import with_values
from fieldguide.core.sources import shuffled, sources_of
from fieldguide.core.split import Fold
from fieldguide.core.statistics.association import indicators
from fieldguide.core.table import Table
from fieldguide.parts import find, modality

MOST_CELLS = 2_000_000
"""Rows × columns above which a wide table is probed on fewer rows."""
FEWEST_ROWS = 2_000
TWO_FOLDS_FROM = 2_000
"""Rows from which two folds do: below, four keep the training rows many."""
N_ROUNDS = 40
SHUFFLED_ROWS = 2_000


@dataclass(frozen=True)
class Probe:
    """A quick cross-fitted model of every output on a sample of the development rows: what all columns together explain.

    Args:
        explained: per output, the share of the variance (classes: of the Brier variance) that the predictions explain.
        importance: per output, column -> its share of what shuffling one column after the other costs; they sum to 1
            unless no column helps.
        without: columns to leave out -> per output, what the others explain when the model is fitted again. Each new
            set of columns costs a fit; a set that was asked before does not.
        apart: (n,) ids of the probe's rows -> predictions as below, of models that saw no row of the same id either. Each
            call costs a fit.

    Shape:
        rows: (n,) indices into the development table, ascending
        predictions[i]: (n, n_labels) probabilities, or (n, 1) values on the original scale; each row is predicted by a
            model that saw neither it nor any row of its block
    """

    rows: np.ndarray
    predictions: tuple[np.ndarray, ...]
    explained: dict[str, float]
    importance: dict[str, dict[str, float]]
    without: Callable[[Iterable[str]], Mapping[str, float]] = field(compare=False)
    apart: Callable[[np.ndarray], tuple[np.ndarray, ...]] = field(compare=False)


def probe(
    table: Table, problem: Problem, roles: Roles, *, seed: int = 0, threads: int = 1, most_rows: int = 20_000
) -> Probe:
    """Fit a small boosting model, cross-fitted over whole blocks of a sample of the rows.

    Args:
        table: typed development rows, targets included.
        roles: blocks of the same rows.
        seed: of the sample and the fits.
        threads: threads to compute with.
        most_rows: rows of the sample; wide tables take fewer, so that the cost stays bounded.

    Examples:
        >>> import polars as pl
        >>> from fieldguide.core.table import Column
        >>> x = np.random.default_rng(0).normal(size=400)
        >>> table = Table(pl.DataFrame({"x": x, "y": x + 1}), (Column("x", "number"), Column("y", "number", "target")))
        >>> problem = Problem((Output("y", find("tasks", "regression")()),))
        >>> found = probe(table, problem, Roles(np.arange(400, dtype=np.uint64), np.arange(400)))
        >>> found.predictions[0].shape, found.explained["y"] > 0.8
        ((400, 1), True)
    """
    rng = generator(seed, "probe")
    n = min(table.n_rows, most_rows, max(FEWEST_ROWS, MOST_CELLS // max(1, len(table.features))))
    chosen = np.sort(rng.permutation(table.n_rows)[:n])
    rows = Rows.of(table.take(chosen), problem.outputs, modality)
    roles = replace(roles.take(chosen), times=None)
    folds = _folds(roles.blocks, 2 if n >= TWO_FOLDS_FROM else 4, rng)
    effort = Effort(seed, threads)
    found = _fitted(rows, folds, problem.outputs, roles, effort)
    predictions = original_scale(found.predictions, problem.outputs)
    explained = {
        output.name: _explained(output, truth, predicted, folds)
        for output, truth, predicted in zip(problem.outputs, rows.truths, predictions)
    }
    costs = _costs(rows.take(folds[-1].validation), found.fitted, generator(seed, "probe", "shuffle"))
    importance = {output.name: _shares(cost) for output, cost in zip(problem.outputs, costs)}
    known: dict[frozenset[str], Mapping[str, float]] = {}

    def without(names: Iterable[str]) -> Mapping[str, float]:
        gone = frozenset(names)
        if gone not in known:
            known[gone] = _without(rows, folds, problem.outputs, gone, roles, effort)
        return known[gone]

    def apart(ids: np.ndarray) -> tuple[np.ndarray, ...]:
        together = connect(len(ids), [same(roles.blocks), same(ids)])
        most = max(2, min(len(folds), len(np.unique(together)) // 2))
        held = _folds(together, most, generator(seed, "probe", "apart"))
        found = _fitted(rows, held, problem.outputs, roles, effort)
        return original_scale(found.predictions, problem.outputs)

    return Probe(chosen, predictions, explained, importance, without, apart)


def _folds(blocks: np.ndarray, k: int, rng: np.random.Generator) -> list[Fold]:
    """Deal whole blocks to k sides of about equal size; rows one by one where there are too few blocks."""
    ids = np.unique(blocks, return_inverse=True)[1]
    sizes = np.bincount(ids)
    if len(sizes) < 2 * k:
        ids, sizes = np.arange(len(blocks)), np.ones(len(blocks), np.int64)
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    side = np.empty(len(sizes), np.int64)
    if sizes.max() == 1:
        side[order] = np.arange(len(order)) % k
    else:
        loads = np.zeros(k)
        for block in order:
            lightest = int(loads.argmin())
            side[block] = lightest
            loads[lightest] += sizes[block]
    return [Fold(np.flatnonzero(side[ids] != s), np.flatnonzero(side[ids] == s)) for s in range(k)]


def _fitted(rows: Rows, folds: list[Fold], outputs: tuple[Output, ...], roles: Roles, effort: Effort) -> Evaluation:
    width = max(output.width for output in outputs)
    settings = {"n_rounds": max(10, N_ROUNDS * 3 // max(3, width)), "learning_rate": 0.15, "num_leaves": 15}
    learner = with_values(find("learners", "boosting")(), {**settings, "patience": 10})
    return evaluate(
        Candidate.of("probe", learner), rows, folds, outputs, roles=roles, splitter=find("splitters", "random")(),
        modalities=modality, effort=effort,
    )  # fmt: skip


def _explained(output: Output, truth: np.ndarray, predicted: np.ndarray, folds: list[Fold]) -> float:
    """Return the share of the variance explained, 0 at least; the spread is about the mean of each fold's training rows."""
    goal = indicators(output, truth)
    spread = sum(((goal[f.validation] - goal[f.train].mean(axis=0)) ** 2).sum() for f in folds)
    return max(0.0, float(1 - ((goal - predicted) ** 2).sum() / spread)) if spread > 0 else 0.0


def _costs(rows: Rows, fitted: Fitted | None, rng: np.random.Generator) -> list[dict[str, float]]:
    """Return, per output, what shuffling each column adds to the squared error on rows the model did not see."""
    if fitted is None:
        return []
    fewest = max(200, min(SHUFFLED_ROWS, 40 * SHUFFLED_ROWS // max(1, len(rows.columns))))
    rows = rows.take(rng.permutation(len(rows))[:fewest])
    batch = fitted.transform.encode(rows.cells, len(rows))
    goals = [indicators(output, truth) for output, truth in zip(fitted.outputs, rows.truths)]

    def errors(given: Batch) -> list[float]:
        predicted = original_scale(fitted.estimator.predict(given), fitted.outputs)
        return [float(((goal - p) ** 2).sum()) for goal, p in zip(goals, predicted)]

    base = errors(batch)
    names = [column.name for column in rows.columns]
    sources = sources_of(fitted.transform, names)
    costs: list[dict[str, float]] = [{} for _ in goals]
    for place, name in enumerate(names):
        given = shuffled(batch, sources, place, rng.permutation(len(rows)))
        for cost, before, after in zip(costs, base, errors(given)):
            cost[name] = max(0.0, after - before)
    return costs


def _shares(costs: dict[str, float]) -> dict[str, float]:
    total = sum(costs.values())
    ranked = sorted(costs, key=lambda name: -costs[name])
    return {name: costs[name] / total if total > 0 else 0.0 for name in ranked}


def _without(
    rows: Rows, folds: list[Fold], outputs: tuple[Output, ...], gone: frozenset[str], roles: Roles, effort: Effort
) -> dict[str, float]:
    """Return what the columns explain that are not `gone`, per output."""
    columns = tuple(column for column in rows.columns if column.name not in gone)
    if not columns:
        return {output.name: 0.0 for output in outputs}
    rest = replace(rows, columns=columns, cells={column.name: rows.cells[column.name] for column in columns})
    predictions = original_scale(_fitted(rest, folds, outputs, roles, effort).predictions, outputs)
    return {
        output.name: _explained(output, truth, predicted, folds)
        for output, truth, predicted in zip(outputs, rows.truths, predictions)
    }
