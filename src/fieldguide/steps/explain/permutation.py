"""Permutation importance: how much worse the answer gets where a column's cells are dealt to the wrong rows.

Knows a predictor, rows it was not fitted on, and the problem's metric; any predictor will do. Columns that an expression ties
together are dealt together, so that no row is made that contradicts itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fieldguide.core.candidate import Predictor
from fieldguide.core.contracts import Threshold
from fieldguide.core.language.syntax import read_syntax
from fieldguide.core.leaderboard import metric_of, readable
from fieldguide.core.rows import Rows
from fieldguide.core.score import weights_for
from fieldguide.core.seeds import generator
from fieldguide.core.statistics.bootstrap import resampled
from fieldguide.core.table import Column

REPEATS = 3
REPLICATES = 400


def permutation_importance(
    predictor: Predictor, rows: Rows, blocks: np.ndarray, *, output: int = 0, threshold: Threshold = None, seed: int = 0,
    groups: Sequence[tuple[str, ...]] | None = None, repeats: int = REPEATS,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the importance of each group of columns, the greatest first.

    Formula: (score of the rows as they are) minus (mean score over `repeats` permutations of the group's cells), its sign
    turned so that positive means the columns help. Intervals resample blocks of rows, the permutations held.

    Args:
        rows: with truths; not those the predictor was fitted on.
        threshold: of the output's decisions.
        groups: columns dealt together; None: as `groups_of` ties them.

    Shape:
        blocks: (rows,) units that are resampled as a whole

    Source:
        Breiman, "Random Forests", 2001, section 10; Fisher, Rudin, Dominici, "All Models are Wrong, but Many are Useful", JMLR 20,
        2019 (model reliance).
    """
    problem = predictor.outputs[output]
    metric, truth = metric_of(problem), rows.truths[output]
    better = 1.0 if metric.greater_is_better else -1.0

    def read(cells: Mapping[str, np.ndarray]) -> np.ndarray:
        return readable(problem, predictor.predict(cells, len(rows))[output], metric, threshold)

    whole = read(rows.cells)
    found = []
    for group in groups_of(rows.columns) if groups is None else groups:
        dealt = []
        for repeat in range(repeats):
            order = generator(seed, "permutation", group[0], repeat).permutation(len(rows))
            dealt.append(read({**rows.cells, **{name: rows.cells[name][order] for name in group}}))

        def lost(weights: np.ndarray, dealt: list[np.ndarray] = dealt) -> np.ndarray:
            before = metric.resample(truth, whole, weights)  # gaps first: what moves no answer is worth exactly 0
            return np.asarray(
                better * np.mean([before - metric.resample(truth, one, weights) for one in dealt], axis=0)
            )

        own = weights_for(metric, rows.score_weights)
        weights = np.ones(len(rows)) if own is None else own
        score = metric.score(truth, whole, weights)
        value = better * float(np.mean([score - metric.score(truth, one, weights) for one in dealt]))
        judged = resampled(lost, blocks, seed, REPLICATES, weights=own)
        found.append({"columns": list(group), "value": float(value), "interval": list(judged.interval)})
    return sorted(found, key=lambda entry: -entry["value"])


def groups_of(columns: Sequence[Column]) -> list[tuple[str, ...]]:
    """Return the columns, those that an expression ties together in one group, the sent columns first.

    Examples:
        >>> ratio = Column("ratio", "number", read={"expression": "debt / income"})
        >>> groups_of((Column("debt", "number"), Column("age", "number"), ratio, Column("income", "number")))
        [('debt', 'income', 'ratio'), ('age',)]
    """
    kinds = {column.name: column.kind for column in columns}
    group = {column.name: {column.name} for column in columns}
    for column in columns:
        text = column.read.get("expression")
        if text is None:
            continue
        tied = group[column.name]
        for name in _read_by(text, kinds):
            tied = tied | group[name]
        for name in tied:
            group[name] = tied
    derived = {column.name for column in columns if "expression" in column.read}
    found: list[tuple[str, ...]] = []
    for column in columns:
        members = [c.name for c in columns if c.name in group[column.name]]
        ordered = tuple(sorted(members, key=lambda name: name in derived))
        if ordered not in found:
            found.append(ordered)
    return found


def _read_by(text: str, kinds: Mapping[str, str]) -> list[str]:
    """Return the columns that an expression reads and a model sees; those that no model sees are dealt to nobody."""
    return [name for name in read_syntax(text).columns if name in kinds]
