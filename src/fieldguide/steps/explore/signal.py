"""Signal: one design of the features, on which many labels are learned at once and judged against their own shuffles.

Knows features, units and labels as columns of numbers. A ridge regression on bins, levels and random hidden units: weaker
than boosting, but its costs hardly grow with the number of labels, so that two hundred shuffles cost no more than one fit.
It says whether there is something to learn, and ranks rows well enough to compare definitions of a label; it is nobody's
candidate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import generator
from fieldguide.core.table import Table
from fieldguide.core.transform import Recipe, Transform
from fieldguide.parts import find, modality

MOST_ROWS = 20_000
MOST_COLUMNS = 500
N_BINS = 8
N_HIDDEN = 96
N_RUNS = 50
"""Runs of neighbours in time that stay together where rows are ordered in time and have no blocks."""
N_SHUFFLES = 199
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Ridge penalties tried, in units of the mean squared length of a column; each label takes its own."""


@dataclass(frozen=True)
class Design:
    """Features as one matrix, and which rows stay together.

    Shape:
        rows: (n,) indices into the table it was made of, ascending
        matrix: (n, d) float32, columns centred and scaled
        units: (n,) int64; rows of a unit are never on both sides, and are shuffled together
    """

    rows: np.ndarray
    matrix: np.ndarray
    units: np.ndarray


def design_of(table: Table, roles: Roles, *, seed: int, rows: np.ndarray | None = None) -> Design:
    """Return the design of a sample of the rows.

    Numbers stand in it by their ranks and as quantile bins, categories by level, missing cells by a column of their own, and
    random pairs of all these go through rectified hidden units, so that the linear model on top sees interactions too.

    Args:
        table: typed development rows.
        roles: blocks and times of the same rows.
        seed: of the sample and the hidden units.
        rows: only these; None: all. Of more than 20,000 a sample is drawn.

    Source:
        Rahimi and Recht (2008), Weighted sums of random kitchen sinks.

    Examples:
        >>> import polars as pl
        >>> from fieldguide.core.table import Column
        >>> table = Table(pl.DataFrame({"x": np.arange(50.0)}), (Column("x", "number"),))
        >>> design_of(table, Roles(np.arange(50, dtype=np.uint64), np.arange(50)), seed=0).matrix.shape[0]
        50
    """
    rng = generator(seed, "design")
    rows = np.arange(table.n_rows) if rows is None else rows
    if len(rows) > MOST_ROWS:
        rows = np.sort(rng.permutation(rows)[:MOST_ROWS])
    part = Rows.of(table.take(rows), (), modality)
    recipe = Recipe(scaling="quantile", min_count=max(5, len(rows) // 1_000), max_levels=30)
    batch = Transform.fit(recipe, part, modality).encode(part.cells, len(rows))
    numbers = batch.numbers[:, _varying(batch.numbers)]
    n_bins = max(2, min(N_BINS, MOST_COLUMNS // max(1, 2 * numbers.shape[1])))
    columns = [numbers, *(_bins(column, n_bins) for column in numbers.T)]
    columns += [_levels(codes, size) for codes, (_, size) in zip(batch.codes.T, batch.layout.codes)]
    matrix = _scaled(np.concatenate(columns, axis=1))[:, :MOST_COLUMNS]
    return Design(rows, _scaled(np.concatenate([matrix, _hidden(matrix, rng)], axis=1)), units_of(roles.take(rows)))


def _varying(values: np.ndarray) -> np.ndarray:
    return np.flatnonzero(values.std(axis=0) > 0) if len(values) else np.zeros(0, np.int64)


def _bins(values: np.ndarray, n_bins: int) -> np.ndarray:
    """Return (rows, n_bins) membership of quantile bins; few distinct values have a bin each."""
    distinct = np.unique(values)
    if len(distinct) <= 2:
        return np.zeros((len(values), 0), np.float32)  # the number says it already
    edges = (
        distinct[1:] if len(distinct) <= n_bins else np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1]))
    )
    return np.eye(len(edges) + 1, dtype=np.float32)[np.searchsorted(edges, values, side="right")]


def _levels(codes: np.ndarray, size: int) -> np.ndarray:
    return np.eye(size, dtype=np.float32)[codes]


def _scaled(matrix: np.ndarray) -> np.ndarray:
    """Return the columns that vary, centred, with deviation 1, but 5 % at least: rare levels are not blown up."""
    matrix = matrix[:, _varying(matrix)]
    return ((matrix - matrix.mean(axis=0)) / np.maximum(matrix.std(axis=0), 0.05)).astype(np.float32)


def _hidden(matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    d = matrix.shape[1]
    if d < 2:
        return np.zeros((len(matrix), 0), np.float32)
    first, second = rng.integers(0, d, N_HIDDEN), rng.integers(0, d, N_HIDDEN)
    signs = rng.choice([-1.0, 1.0], (2, N_HIDDEN)).astype(np.float32)
    return np.maximum(0, signs[0] * matrix[:, first] + signs[1] * matrix[:, second] + rng.normal(0, 0.5, N_HIDDEN))


def units_of(roles: Roles) -> np.ndarray:
    """Return which rows stay together: their blocks; along time, runs of neighbours; else each row alone.

    Shape:
        returns: (rows,) int64
    """
    blocks = np.unique(roles.blocks, return_inverse=True)[1]
    n, n_blocks = len(blocks), int(blocks.max()) + 1 if len(blocks) else 0
    if n_blocks >= 8 and (n_blocks <= 0.9 * n or roles.times is None):
        return blocks.astype(np.int64)
    if roles.times is None:
        return np.arange(n)
    rank = np.empty(n, np.int64)
    rank[np.argsort(roles.times, kind="stable")] = np.arange(n)
    return rank * min(N_RUNS, n) // max(1, n)


def crossfit(design: Design, labels: np.ndarray, rng: np.random.Generator, k: int = 2) -> np.ndarray:
    """Return the prediction of every row by a ridge regression that saw neither it nor its unit.

    Every label takes the penalty that generalised cross-validation on its training rows prefers, shuffled labels too.

    Shape:
        labels: (n, n_labels) float64; NaN where a label is not known: predicted, not learned from
        returns: (n, n_labels) float64

    Source:
        Golub, Heath, Wahba (1979), Generalized cross-validation.
    """
    out = np.empty(labels.shape)
    side = _sides(design.units, k, rng)
    known = ~np.isnan(labels)
    patterns: dict[bytes, list[int]] = {}
    for i, column in enumerate(np.packbits(known, axis=0).T):
        patterns.setdefault(column.tobytes(), []).append(i)
    for mine in patterns.values():  # labels known for the same rows share one decomposition
        for s in range(k):
            fit = known[:, mine[0]] & (side != s)
            out[np.ix_(side == s, mine)] = _ridge(
                design.matrix[fit], labels[np.ix_(fit, mine)], design.matrix[side == s]
            )
    return out


def _sides(units: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    codes = np.unique(units, return_inverse=True)[1]
    return (rng.permutation(codes.max() + 1) % k)[codes]


def _ridge(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    n, d = x.shape
    if n < 2 or d == 0:
        return np.broadcast_to(y.mean(axis=0) if n else np.zeros(y.shape[1]), (len(new), y.shape[1]))
    centre, mean = x.mean(axis=0), y.mean(axis=0)
    x, y = (
        x - centre,
        (y - mean).astype(np.float32),
    )  # float32 halves the time; what is judged are differences far above it
    values, vectors = np.linalg.eigh((x.T @ x).astype(np.float64))
    values = np.maximum(values, 0)
    turned = vectors.T @ (x.T @ y).astype(np.float64)
    square = (y**2).sum(axis=0, dtype=np.float64)
    best, coefficients = np.full(y.shape[1], np.inf), np.zeros((d, y.shape[1]))
    for penalty in PENALTIES:
        shrunk = 1 / (values + penalty * n)
        fitted = turned * shrunk[:, None]
        left = square - (fitted * turned).sum(axis=0) * 2 + (fitted**2 * values[:, None]).sum(axis=0)
        judged = left / max(1e-9, 1 - ((values * shrunk).sum() + 1) / n) ** 2
        better = judged < best
        best = np.where(better, judged, best)
        coefficients[:, better] = fitted[:, better]
    return (new - centre) @ (vectors @ coefficients).astype(np.float32) + mean


def explained(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return, per label, the share of its variance that the predictions explain; below 0 where they do worse than the mean.

    Shape:
        labels, predicted: (n, n_labels); labels not known are left out
        returns: (n_labels,)
    """
    spread = np.nansum((labels - np.nanmean(labels, axis=0)) ** 2, axis=0)
    return 1 - np.nansum((labels - predicted) ** 2, axis=0) / np.where(spread > 0, spread, np.inf)


def shuffled(labels: np.ndarray, units: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return labels dealt out again, whole units at a time, so that rows of a unit keep what they share.

    The labels are laid out unit after unit in a random order of the units and read off in the rows' own order of units. Where
    units are single rows this is a permutation.

    Shape:
        labels: (rows,)
        returns: (rows, n)
    """
    codes = np.unique(units, return_inverse=True)[1]
    if codes.max(initial=-1) + 1 == len(codes):
        return np.stack([rng.permutation(labels) for _ in range(n)], axis=1)
    place = np.argsort(codes, kind="stable")
    out = np.empty((len(labels), n))
    for i in range(n):
        order = rng.permutation(codes.max() + 1)
        out[place, i] = labels[np.argsort(order[codes], kind="stable")]
    return out


@dataclass(frozen=True)
class Compared:
    """A label against its shuffles.

    Args:
        explained: share of its variance that the quick model explains of rows it did not see.
        by_chance: the same for shuffled labels, their mean.
        p: (1 + shuffles that do as well) / (1 + shuffles), one-sided.
        n_shuffles: how many.

    Shape:
        predicted: (n, n_columns) cross-fitted predictions of the label itself
    """

    explained: float
    by_chance: float
    p: float
    n_shuffles: int
    predicted: np.ndarray


def against_chance(design: Design, label: np.ndarray, *, seed: int, n_shuffles: int = N_SHUFFLES) -> Compared:
    """Return whether the features tell anything of a label: the permutation test.

    Args:
        design: of the rows.
        label: numbers; classes as one column per label. NaN where not known: such rows are left out of the test.
        seed: of folds and shuffles.

    Shape:
        label: (n,) or (n, n_columns)

    Source:
        Ojala and Garriga (2010), Permutation tests for studying classifier performance, test 1; Phipson and Smyth (2010)
        for (1 + b) / (1 + B).

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(300, 3)).astype(np.float32)
        >>> test = against_chance(Design(np.arange(300), x, np.arange(300)), x[:, 0] + rng.normal(size=300), seed=0)
        >>> test.p, test.explained > 0.3
        (0.005, True)
    """
    label = label[:, None] if label.ndim == 1 else label
    known = np.flatnonzero(~np.isnan(label).any(axis=1))
    part = Design(design.rows[known], design.matrix[known], design.units[known])
    truth = label[known]
    rng = generator(seed, "against chance")
    order = shuffled(np.arange(len(known)), part.units, n_shuffles, rng).astype(np.int64)
    width = truth.shape[1]
    labels = np.concatenate([truth, *(truth[order[:, i]] for i in range(n_shuffles))], axis=1)
    predicted = crossfit(part, labels, rng)
    left = ((labels - predicted) ** 2).sum(axis=0).reshape(-1, width).sum(axis=1)
    spread = ((truth - truth.mean(axis=0)) ** 2).sum()
    scores = 1 - left / spread if spread > 0 else np.zeros(n_shuffles + 1)
    whole = np.full(label.shape, np.nan)
    whole[known] = predicted[:, :width]
    p = (1 + int((scores[1:] >= scores[0]).sum())) / (1 + n_shuffles)
    return Compared(float(scores[0]), float(scores[1:].mean()), p, n_shuffles, whole)


def ranks_of(values: np.ndarray) -> np.ndarray:
    """Return mid-ranks from 0 to 1, which heavy tails do not pull; NaN stays."""
    out = np.full(len(values), np.nan)
    known = ~np.isnan(values)
    _, places, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    out[known] = (np.cumsum(counts) - counts / 2)[places] / max(1, known.sum())
    return out


def auc(positive: np.ndarray, ranking: np.ndarray) -> float:
    """Return the share of pairs that are ranked rightly.

    Examples:
        >>> auc(np.array([False, True, True]), np.array([0.1, 0.4, 0.05]))
        0.5
    """
    prediction = np.stack([-ranking, ranking], axis=1)
    return float(find("metrics", "roc_auc")().score(positive.astype(np.int64), prediction))
