"""Shapley values of any predictor by sampled orders: blends, neighbours, whatever answers cells.

Knows cells and predictions only, so that a column's share holds all that it is encoded as.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.explanation import Explanation
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import generator


@dataclass(frozen=True)
class Sampling:
    """Contributions of columns to a prediction, averaged over random orders in which columns take the row's values.

    Every order is walked both ways (antithetic), each time from another background row, whose values the columns have before it
    is their turn. The base is the mean prediction of the rows walked from, so that the parts add up; that only some orders and
    background rows were drawn is in the values.

    Args:
        predictions: rows that may be predicted in all; bounds the orders, of which there are at least one, walked both ways.

    Source:
        Štrumbelj and Kononenko, "Explaining prediction models and individual predictions with feature contributions", Knowledge
        and Information Systems 41, 2014, algorithm 1; Mitchell et al., "Sampling Permutations for Shapley Value Estimation",
        JMLR 23, 2022 (antithetic orders).
    """

    name: ClassVar[str] = "sampling"
    title: ClassVar[str] = "sampled Shapley values"

    predictions: int = 60_000

    def declines(self, predictor: Any) -> str:
        """Return why it cannot explain a predictor; "" where it can."""
        return "" if hasattr(predictor, "predict") else "it answers no cells"

    def explain(
        self, predictor: Any, rows: Rows, background: Rows, *, output: int, which: np.ndarray, seed: int
    ) -> Explanation:
        """Return contributions on the original scale of the prediction."""
        names, n = tuple(column.name for column in rows.columns), len(rows)

        def ask(part: Rows, column: np.ndarray) -> np.ndarray:
            return np.asarray(predictor.predict(part.cells, len(part))[output][np.arange(len(part)), column])

        rng, values, base = generator(seed, "sampling"), np.zeros((n, len(names))), np.zeros(n)
        n_orders = int(np.clip(self.predictions // max(1, 2 * n * (len(names) + 1)), 1, 16))
        starts = np.resize(rng.permutation(len(background)), 2 * n_orders)
        for walk in range(n_orders):
            order = rng.permutation(len(names))
            for way, start in ((order, starts[2 * walk]), (order[::-1], starts[2 * walk + 1])):
                cells = dict(background.take(np.full(n, start)).cells)
                before = ask(Rows(rows.columns, cells, n_rows=n), which)
                base += before
                for place in way.tolist():
                    cells[names[place]] = rows.cells[names[place]]
                    after = ask(Rows(rows.columns, cells, n_rows=n), which)
                    values[:, place] += after - before
                    before = after
        scale = "probability" if predictor.outputs[output].task.family in ("classes", "sets") else "value"
        return Explanation(names, values / (2 * n_orders), base / (2 * n_orders), ask(rows, which), scale)
