"""Discriminate: can a model tell two sets of rows apart by their features? The proof that one represents the other.

Knows features only. Used for sealed against development rows, and for a sample against the whole.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fieldguide.core.candidate import Candidate
from fieldguide.core.contracts import Effort, Roles
from fieldguide.core.evaluate import evaluate
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.score import score
from fieldguide.core.seeds import generator
from fieldguide.core.settings import with_values
from fieldguide.core.sources import shuffled, sources_of
from fieldguide.core.split import Fold
from fieldguide.core.table import Table
from fieldguide.parts import find, modality

MOST_ROWS = 6_000


def discriminate(
    table: Table, a: np.ndarray, b: np.ndarray, blocks: np.ndarray, *, seed: int, threads: int
) -> dict[str, Any] | None:
    """Return how well boosting tells rows `a` from rows `b` by their features, cross-fitted.

    The time column is left out: along time, parts differ by construction.

    Shape:
        a, b: row indices into the table
        blocks: (rows of the table,) unit ids; a block is never on both sides of a fold

    Returns:
        auc, interval, n, and the columns behind it with their share of the model's gain; None where there are no features or
        too few rows.
    """
    table = table.without([column.name for column in table.role("time")])
    if not table.features or min(len(a), len(b)) < 20:
        return None
    rng = generator(seed, "discriminate")
    a, b = (rng.permutation(side)[: MOST_ROWS // 2] for side in (a, b))
    chosen = np.concatenate([a, b])
    truth = np.repeat([0, 1], [len(a), len(b)])
    order = rng.permutation(len(chosen))
    chosen, truth = chosen[order], truth[order]
    task = find("tasks", "binary")()
    output = Output("side", task, ("development", "sealed"))
    rows = replace(Rows.of(table.take(chosen), (), modality), truths=(truth,))
    fold_of = np.unique(blocks[chosen], return_inverse=True)[1] % 2
    folds = [Fold(np.flatnonzero(fold_of != side), np.flatnonzero(fold_of == side)) for side in (0, 1)]
    learner = with_values(find("learners", "boosting")(), {"n_rounds": 40, "learning_rate": 0.1, "num_leaves": 15})
    splitter = find("splitters", "random")()
    roles = Roles(np.arange(len(chosen), dtype=np.uint64), blocks[chosen], None, truth)
    found = evaluate(
        Candidate.of("discriminator", learner), rows, folds, (output,), roles=roles, splitter=splitter, modalities=modality,
        effort=Effort(seed, threads),
    )  # fmt: skip
    value, interval = score(
        find("metrics", "roc_auc")(),
        truth[found.rows],
        found.predictions[0],
        blocks[chosen][found.rows],
        seed=seed,
        replicates=200,
    )
    return {"auc": value, "interval": list(interval), "n": len(chosen), "columns": _columns(rows, found.fitted)}


def _columns(rows: Rows, fitted: Any) -> list[dict[str, Any]]:
    """Share of the loss that shuffling each column costs, on the fold's own rows: which columns give it away."""
    batch, names = fitted.transform.encode(rows.cells, len(rows)), list(rows.cells)
    sources, moved = sources_of(fitted.transform, names), {}
    base = fitted.estimator.predict(batch)[0][:, 1]
    for place, name in enumerate(names):
        dealt = shuffled(batch, sources, place, generator(0, "shuffle", name).permutation(len(rows)))
        moved[name] = float(np.abs(fitted.estimator.predict(dealt)[0][:, 1] - base).mean())
    total = sum(moved.values()) or 1.0
    top = sorted(moved.items(), key=lambda item: -item[1])[:5]
    return [{"column": name, "share": value / total} for name, value in top]
