"""Trees for an ordered label: one score a row, grown by the gradient of the cumulative logit, with cuts that follow it.

Knows a booster that grows and the cumulative logit; when to stop is `boosting`'s. One tree a round, whatever the number of levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldguide.parts.learners._cumulative import cuts_of, first_parts, fitted_parts, slopes
from fieldguide.parts.learners._lightgbm import Dataset, Training, Trees

EVERY = 10  # rounds between two fits of the cuts: trees change scores little in fewer
STEPS = 20  # of such a fit, which starts where the last one ended


@dataclass(frozen=True)
class Levels:
    """Ordered labels of rows.

    Shape:
        codes: (rows,) int64, 0 for the lowest level
        weights: (rows,) float64
    """

    codes: np.ndarray
    weights: np.ndarray

    @staticmethod
    def of(codes: np.ndarray, weights: np.ndarray | None) -> Levels:
        return Levels(np.asarray(codes, np.int64), np.ones(len(codes)) if weights is None else np.asarray(weights))


class OrderedTraining(Training):
    """A booster whose gradients are computed here, and the cuts of each round.

    Scores and cuts are fitted in turn: trees by the gradient at the cuts of the moment, the cuts every `EVERY` rounds at the
    scores of the moment. The loss is convex in both.

    Args:
        rows, stopping: labels of the rows of `data` and `stop`.
        n_labels: levels of the output; rows may lack some.
        parts: the first cut and the gaps to begin with, of trees that are continued; None: those of the shares.

    Source:
        McCullagh, "Regression Models for Ordinal Data", JRSS B 42(2), 1980; Friedman, "Greedy Function Approximation",
        Annals of Statistics 29(5), 2001, with this loss.
    """

    def __init__(
        self,
        data: Dataset,
        stop: Dataset | None,
        settings: bytes,
        after: Trees | None,
        *,
        rows: Levels,
        stopping: Levels | None,
        n_labels: int,
        parts: np.ndarray | None = None,
    ) -> None:
        super().__init__(data, stop, settings, after)
        self._rows, self._stopping = rows, stopping
        start = first_parts(rows.codes, rows.weights, n_labels)
        self._parts = (
            fitted_parts(np.zeros(len(rows.codes)), rows.codes, rows.weights, start) if parts is None else parts
        )
        self._of_round = [self._parts]

    def grow(self) -> bool:
        found = slopes(self.scores(of_stop=False), self._rows.codes, self._parts)
        weights = self._rows.weights
        grown = self.grow_by(found.score * weights, found.curvature * weights)
        if grown and len(self._of_round) % EVERY == 0:
            scores = self.scores(of_stop=False)
            self._parts = fitted_parts(scores, self._rows.codes, self._rows.weights, self._parts, STEPS)
        self._of_round.append(self._parts)
        return grown

    def loss(self, of_stop: bool) -> float:
        rows = self._stopping if of_stop else self._rows
        assert rows is not None, "there are rows to stop on"
        found = slopes(self.scores(of_stop), rows.codes, self._parts)
        return float(found.loss @ rows.weights / rows.weights.sum())

    def cuts(self, n_rounds: int) -> tuple[float, ...]:
        """Return the cuts that go with the first `n_rounds` rounds of its own."""
        return tuple(cuts_of(self._of_round[n_rounds]).tolist())


def parts_of(cuts: tuple[float, ...]) -> np.ndarray:
    """Return the first cut and the gaps between neighbours.

    Examples:
        >>> parts_of((1.0, 0.5, -1.5)).tolist()
        [1.0, 0.5, 2.0]
    """
    return np.concatenate([cuts[:1], -np.diff(cuts)])
