"""Texts for trees: one score of each text column, learned by a linear model of its terms and handed to the training rows out of fold.

Knows terms, parts of the training rows and penalties; what the trees make of the scores is their own. A tree that is given thousands of
rare terms finds few of them, and one that is given scores of rows that the scores were fitted on trusts them too much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort, Estimator, Predictions
from fieldguide.core.errors import ModelError
from fieldguide.core.seeds import generator
from fieldguide.parts.learners._design import ONE_HOLDOUT, PATH, WORSE, Design, sigmoid_loss, solve, squared_loss
from fieldguide.parts.learners._wrapped import Wrapper
from fieldguide.parts.learners.linear import LOSSES, row_weights, truth_of

PARTS = 4
"""Parts of the training rows; the scores of each come from the others."""
LEAST_BLOCKS = 20
"""Blocks of training rows below which no score is learned: it would say what single rows said."""
MOST_TERMS = 20_000
"""Terms of a column that are read, the most frequent ones: what rarer ones tell, trees cannot lean on."""
ROUGH = 1e-4
"""Relative change of the loss at which a solution is exact enough for a score."""
SHARE = 0.4
"""Most of a fit's time that scores have."""
FILE = "words.safetensors"


@dataclass(frozen=True)
class WordScores:
    """Coefficients of the terms of each text column, for each output.

    Shape:
        tables[output][column]: (terms of the column + 1, width) float32, the intercept last
    """

    columns: tuple[tuple[str, int], ...]
    tables: tuple[tuple[np.ndarray, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The text column of each score, in their order: output by output, column by column."""
        return tuple(
            name
            for of_output in self.tables
            for (name, _), table in zip(self.columns, of_output, strict=True)
            for _ in range(table.shape[1])
        )

    def beside(self, batch: Batch, scores: np.ndarray | None = None) -> Batch:
        """Return a batch with the scores as further numbers, and without the terms.

        Args:
            scores: those of the training rows, which are out of fold; None: the terms tell them.

        Shape:
            scores: (rows, sum of widths over columns and outputs)
        """
        if scores is None:
            tables = [table for of_output in self.tables for table in of_output]
            parts = columns_of(batch) * len(self.tables)
            found = [_scored(part, table) for part, table in zip(parts, tables, strict=True)]
            scores = np.concatenate(found, axis=1) if found else np.zeros((len(batch), 0))
        names = (f"{name} score {k + 1}" for k, name in enumerate(self.names))
        layout = replace(batch.layout, numbers=(*batch.layout.numbers, *names), terms=())
        arrays = {name: array for name, array in batch.arrays.items() if name != "terms"}
        return Batch(layout, {**arrays, "numbers": np.concatenate([batch.numbers, scores.astype(np.float32)], axis=1)})

    def save(self, folder: Path) -> list[Any]:
        """Write the coefficients, return their columns."""
        arrays = {f"{i}_{j}": table for i, each in enumerate(self.tables) for j, table in enumerate(each)}
        save_file({name: np.ascontiguousarray(table) for name, table in arrays.items()}, folder / FILE)
        return [[list(column) for column in self.columns], len(self.tables)]

    @staticmethod
    def load(folder: Path, data: Sequence[Any]) -> WordScores:
        """Return what `save` wrote.

        Raises:
            ModelError: the coefficients are missing, damaged, or of other terms.
        """
        columns = tuple((str(name), int(n)) for name, n in data[0])
        try:
            arrays = load_file(folder / FILE)
            tables = tuple(tuple(arrays[f"{i}_{j}"] for j in range(len(columns))) for i in range(int(data[1])))
        except (OSError, KeyError, SafetensorError) as reason:
            raise _damaged(str(reason)) from reason
        for table, (name, n) in ((t, c) for each in tables for t, c in zip(each, columns, strict=True)):
            if table.ndim != 2 or len(table) != n + 1:
                raise _damaged(f"{table.shape} for the {n:,} terms of {name!r}")
        return WordScores(columns, tables)


class WordedEstimator(Wrapper):
    """An estimator that reads the scores of texts beside its other columns."""

    def __init__(self, scores: WordScores, inner: Any, stopped: str) -> None:
        super().__init__(inner)
        self.scores, self.stopped = scores, stopped

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output."""
        found: Predictions = self.inner.predict(self.scores.beside(batch))
        return found

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        return {**self.inner.save(folder, draft), "stopped": self.stopped, "words": self.scores.save(folder)}


Fit = Callable[[Encoded, Encoded | None, tuple[Any, ...], Effort], Estimator]


def fit(fit_plain: Fit, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Estimator:
    """Learn the scores, then whatever `fit_plain` learns on rows that have them."""
    scores, rows, cut = learned(train, outputs, effort.seed, effort.clock.share(SHARE))
    stopping = None if stop is None else replace(stop, batch=scores.beside(stop.batch))
    inner = fit_plain(rows, stopping, outputs, effort)
    return WordedEstimator(scores, inner, "clock" if cut else inner.stopped)


def continued(
    go_on: Fit, scores: WordScores, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
) -> Estimator:
    """Fit further by `go_on`, on rows with the scores as they were learned."""
    rows = replace(train, batch=scores.beside(train.batch))
    stopping = None if stop is None else replace(stop, batch=scores.beside(stop.batch))
    inner = go_on(rows, stopping, outputs, effort)
    return WordedEstimator(scores, inner, inner.stopped)


def learned(train: Encoded, outputs: Sequence[Any], seed: int, clock: Clock) -> tuple[WordScores, Encoded, bool]:
    """Return the scores, the training rows with theirs out of fold, and whether the clock cut their learning short.

    Rows that belong together (`train.blocks`) lie in the same part.
    """
    columns = tuple((name, min(n, MOST_TERMS)) for name, n in train.batch.layout.terms)
    parts = _parts(train, seed)
    if parts is None:
        nothing = WordScores((), ())
        return nothing, replace(train, batch=nothing.beside(train.batch)), False
    texts, weights = columns_of(train.batch), row_weights(train.weights, len(train))
    tables: list[tuple[np.ndarray, ...]] = []
    found: list[np.ndarray] = []
    cut = False
    for i, (target, output) in enumerate(zip(train.targets, outputs, strict=True)):
        truth, loss = _truth(target, output, weights)
        of_output = []
        for j, terms in enumerate(texts):
            left = (len(outputs) - i) * len(columns) - j
            design = Design(terms, np.zeros((len(train), 0), np.int32), (), truth, weights, loss)
            table, out_of_fold, over = _crossed(design, parts, clock.share(1 / left))
            of_output.append(table.astype(np.float32))
            found.append(out_of_fold)
            cut |= over
        tables.append(tuple(of_output))
    scores = WordScores(columns, tuple(tables))
    return scores, replace(train, batch=scores.beside(train.batch, np.concatenate(found, axis=1))), cut


def columns_of(batch: Batch) -> list[Any]:
    """Return the terms of each text column that scores read, (rows, terms) float64 sparse; terms come the most frequent first."""
    ends = np.cumsum([0, *(n for _, n in batch.layout.terms)])
    terms = batch.arrays["terms"].astype(np.float64).tocsc()
    return [terms[:, begin : min(end, begin + MOST_TERMS)].tocsr() for begin, end in pairwise(ends)]


def _crossed(design: Design, parts: np.ndarray, clock: Clock) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the coefficients on all rows, the scores of each part by the others, and whether the clock ended either.

    The penalty is the one with the least loss out of fold; of many rows, on those of the first part.
    """
    choosing = clock.share(1 / 2)
    asked = range(PARTS if len(design.truth) < ONE_HOLDOUT else 1)  # parts whose rows choose the penalty
    others = [design.take(np.flatnonzero(parts != part)) for part in range(PARTS)]
    rows = [np.flatnonzero(parts == part) for part in range(PARTS)]
    judging = np.concatenate([rows[part] for part in asked])
    solutions, strength, least = [others[part].start() for part in asked], PATH[0], np.inf
    scores = np.zeros(design.truth.shape)
    for penalty in PATH:
        found = np.zeros(design.truth.shape)
        for part in asked:
            solutions[part], _ = solve(others[part], solutions[part], penalty, choosing, ROUGH)
            found[rows[part]] = _scored(design.numbers[rows[part]], design.table(solutions[part]))
        losses = design.row_loss(found[judging], design.truth[judging])[0]
        loss = float(np.average(losses, weights=design.weights[judging]))
        if loss < least:
            strength, least, scores = penalty, loss, found
        if choosing.over or loss > least * WORSE:
            break
    cut = choosing.over
    for part in range(len(asked), PARTS):
        solution, whole = solve(
            others[part], others[part].start(), strength, clock.share(1 / (PARTS - part + 1)), ROUGH
        )
        scores[rows[part]] = _scored(design.numbers[rows[part]], design.table(solution))
        cut |= not whole
    solution, whole = solve(design, design.start(), strength, clock, ROUGH)
    return design.table(solution), scores, cut or not whole


def _scored(terms: Any, table: np.ndarray) -> np.ndarray:
    return np.asarray(terms @ table[:-1].astype(np.float64)) + table[-1]


def _truth(target: np.ndarray, output: Any, weights: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return what a linear model learns of a target: ordered labels as numbers, sets label by label."""
    if output.task.loss == "ordinal":
        target, loss = target.astype(np.float64), squared_loss
        return (target - target.mean())[:, None] / max(float(target.std()), 1e-12), loss
    truth, _, _ = truth_of(target, output, weights)
    return truth, sigmoid_loss if output.task.family == "sets" else LOSSES.get(output.task.loss, squared_loss)


def _parts(train: Encoded, seed: int) -> np.ndarray | None:
    """Return the part of each row, whole blocks; None where there are too few of them."""
    blocks = np.arange(len(train)) if train.blocks is None else np.unique(train.blocks, return_inverse=True)[1]
    n_blocks = int(blocks.max()) + 1 if len(blocks) else 0
    if n_blocks < LEAST_BLOCKS:
        return None
    return (generator(seed, "word scores").permutation(n_blocks) % PARTS)[blocks]


def _damaged(found: str) -> ModelError:
    return ModelError(
        "the scores of texts cannot be read", rule="they are the numbers that `save` wrote", found=found,
        do="restore the model folder",
    )  # fmt: skip
