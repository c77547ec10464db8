"""Proportional odds: one score for all levels of an ordered label, and the cuts between them, fitted together.

Knows rows of an ordered label as the solver sees them, and the cumulative logit; which output asks for it is the learner's to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fieldguide.parts.learners._cumulative import HALF, LEAST_GAP, absent, cuts_of, first_parts, slopes
from fieldguide.parts.learners._design import Design


@dataclass(eq=False)
class Ordered(Design):
    """Rows of an ordered label: the intercept is the first cut, the gaps to the others stand beside the coefficients.

    The negative log likelihood is convex in coefficients, first cut and gaps (Pratt 1981): there is one solution. A level that
    no row has counts as half a row whose columns are all 0, the mean of scaled numbers; its cuts would fall together otherwise.

    Args:
        truth: (rows, 1) int64 codes, 0 for the lowest level.
        n_labels: levels of the output; rows may lack some.

    Source:
        McCullagh, "Regression Models for Ordinal Data", JRSS B 42(2), 1980; Pratt, "Concavity of the Log Likelihood",
        JASA 76, 1981.
    """

    n_labels: int = 2

    @property
    def n_beside(self) -> int:
        """Gaps between cuts."""
        return self.n_labels - 2

    @cached_property
    def none(self) -> np.ndarray:
        """Levels that no row has."""
        return absent(self.truth[:, 0], self.n_labels)

    @property
    def curvature(self) -> float:
        """Two logistic terms a row, a quarter each."""
        return 0.5

    def start(self) -> np.ndarray:
        """Return the solution that looks at no column: the cuts of the smoothed shares."""
        table = np.zeros(self.shape)
        found = first_parts(self.truth[:, 0], self.weights, self.n_labels)
        table[-1] = found[0]
        return np.concatenate([table.ravel(), found[1:]])

    def cuts(self, solution: np.ndarray) -> np.ndarray:
        """Return the log-odds of lying above each level but the last, for a row whose columns are all 0."""
        return cuts_of(self._cut_parts(solution))

    def beside(self, start: np.ndarray) -> tuple[np.ndarray, float]:
        """Return roughly the second derivatives by the gaps, and the least gap."""
        gaps = start[len(start) - self.n_beside :]
        shares = np.bincount(self.truth[:, 0], self.weights, self.n_labels) / self.weights.sum()
        higher = np.cumsum(shares[::-1])[::-1][2:]
        return shares[1:-1] * np.exp(gaps) / np.expm1(gaps) ** 2 + 0.25 * higher, LEAST_GAP

    def objective(self, solution: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
        value, gradient = super().objective(solution, penalty)
        if len(self.none):
            share = HALF / len(self.truth)
            parts = self._cut_parts(solution)
            found = slopes(np.zeros(len(self.none)), self.none, parts)
            value += share * float(found.loss.sum())
            gradient[len(gradient) - len(parts) :] += share * found.cuts
        return value, gradient

    def _cut_parts(self, solution: np.ndarray) -> np.ndarray:
        """Return the first cut, which is the last coefficient, and the gaps behind it."""
        return solution[len(solution) - self.n_beside - 1 :]

    def _row_losses(
        self, scores: np.ndarray, rows: slice, solution: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        parts = self._cut_parts(solution)
        found = slopes(scores[:, 0] - parts[0], self.truth[rows, 0], parts, weights)
        return found.loss, found.score[:, None], found.cuts[1:]
