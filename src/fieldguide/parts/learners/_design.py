"""What a linear learner minimises: rows as coefficients see them, their mean loss with its gradient, and the solver.

Knows matrices, codes and losses; nothing of tasks, columns or predictions. Ordered labels are `_proportional`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from fieldguide.core.clock import Clock
from fieldguide.core.files.shelf import released
from fieldguide.core.seeds import generator

PATH = (1000.0, 100.0, 10.0, 1.0, 0.1, 0.01)
"""Penalties tried, the strongest first, each starting from the last solution."""
MIDDLE = 10.0  # where there are too few rows to try any, or the time was up before weaker ones were tried
ONE_HOLDOUT = 5_000  # from this many rows on, one fifth held out judges a penalty as well as five folds
ONE_OF_TERMS = 2_000  # the same of texts, whose terms make five folds dear
WORSE = 1.001  # a held-out loss this much above the best ends the path
CHUNK = 4096  # rows written out as one-hot columns at a time
BLOCK = 65_536  # rows whose losses and gradients are summed together; all numbers up to so many are those of one block
CHOSEN_ON = 1_000_000  # rows on which a penalty is chosen
MANY_COLUMNS = 1500  # beyond, the curvature is taken column by column
WIDE = 500  # where there are fewer than half as many rows too: factoring the curvature then takes longer than the fit

Loss = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def softmax_loss(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's log loss and its gradient by the scores.

    Shape:
        scores: (rows, n_labels) float64
        truth: (rows, n_labels) float64, one-hot
        returns: (rows,) and (rows, n_labels) float64
    """
    top = scores.max(axis=1, keepdims=True)
    odds = np.exp(scores - top)
    total = odds.sum(axis=1, keepdims=True)
    return (top + np.log(total))[:, 0] - (scores * truth).sum(axis=1), odds / total - truth


def sigmoid_loss(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's log loss and its gradient by the score of the positive class.

    Shape:
        scores: (rows, width) float64; width is 1, or the number of labels of a set
        truth: (rows, width) float64, 0 or 1
        returns: (rows,), summed over labels, and (rows, width) float64
    """
    loss = np.logaddexp(0.0, scores) - truth * scores
    return loss.sum(axis=1), sigmoid(scores) - truth


def squared_loss(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's half squared error and its gradient by the prediction."""
    gaps = scores - truth
    return 0.5 * (gaps * gaps).sum(axis=1), gaps


def poisson_loss(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's negative log likelihood, less what does not depend on the score, and its gradient by the log rate.

    Scores beyond 30 (a rate of 10¹³) go on as a line, so that a step too far costs much and not infinity.
    """
    inside = np.minimum(scores, 30.0)
    rate = np.exp(inside)
    return (rate * (1.0 + scores - inside) - truth * scores).sum(axis=1), rate - truth


CURVATURE: dict[Loss, float] = {
    sigmoid_loss: 0.25,
    softmax_loss: 0.5,
    squared_loss: 1.0,
    poisson_loss: 1.0,  # no bound: targets are divided by their mean, so that rates are about 1
}  # bounds of the second derivative


@dataclass(eq=False)
class Design:
    """Rows as the solver sees them: coefficients to scores, gradients by scores to gradients by coefficients.

    A solution is one flat array: numbers, levels and intercept below one another, (n_numbers + n_levels + 1) × width, and
    behind them what a kind of rows has beside coefficients (`Ordered`: the gaps between cuts; else nothing).
    """

    numbers: Any
    codes: np.ndarray
    layout: tuple[tuple[str, int], ...]
    truth: np.ndarray
    weights: np.ndarray
    row_loss: Loss = squared_loss

    @property
    def n_beside(self) -> int:
        """Parameters beside the coefficients."""
        return 0

    @cached_property
    def n_levels(self) -> int:
        return sum(cardinality for _, cardinality in self.layout)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Coefficients of a score, and scores of a row."""
        return (self.numbers.shape[1] + self.n_levels + 1, self.truth.shape[1])

    @property
    def dense(self) -> bool:
        return isinstance(self.numbers, np.ndarray)

    def block(self, rows: slice) -> tuple[Any, np.ndarray]:
        """Return the numbers of consecutive rows in double precision, and the places of their levels."""
        numbers = np.asarray(self.numbers[rows], np.float64) if self.dense else self.numbers[rows]
        places = self.codes[rows] + offsets(self.layout)
        released(self.codes)
        if self.dense:
            released(self.numbers)
        return numbers, places

    def take(self, rows: np.ndarray) -> Self:
        return replace(
            self, numbers=self.numbers[rows], codes=self.codes[rows], truth=self.truth[rows], weights=self.weights[rows]
        )

    def table(self, solution: np.ndarray) -> np.ndarray:
        """Return the coefficients of a solution, a row each."""
        return solution[: len(solution) - self.n_beside].reshape(self.shape)

    def parts(self, solution: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (numbers, levels, intercept)."""
        table = self.table(solution)
        n = self.numbers.shape[1]
        return table[:n], table[n:-1], table[-1]

    def start(self) -> np.ndarray:
        """Return the solution that looks at no column: the log odds of the smoothed shares, or the mean (0)."""
        table, loss = np.zeros(self.shape), self.row_loss
        share = (np.average(self.truth, axis=0, weights=self.weights) * len(self.truth) + 0.5) / (len(self.truth) + 1.0)
        if loss is poisson_loss:
            table[-1] = np.log(np.maximum(np.average(self.truth, axis=0, weights=self.weights), 1e-12))
        elif loss is not squared_loss:
            table[-1] = np.log(share) if loss is softmax_loss else np.log(share / (1.0 - share))
        return table.ravel()

    @cached_property
    def gram(self) -> np.ndarray:
        """Return the weighted mean of each row's outer product; of many columns only its diagonal."""
        n, p = self.numbers.shape[1], self.shape[0]
        weights, total = self.weights, self.weights.sum()
        if p > MANY_COLUMNS or p > max(WIDE, 2 * len(weights)) or not self.dense:
            sums, levels = np.zeros(n), np.zeros(self.n_levels)
            for begin in range(0, len(weights), BLOCK):
                rows = slice(begin, begin + BLOCK)
                numbers, places = self.block(rows)
                sums += weights[rows] @ numbers**2 if self.dense else numbers.multiply(numbers).T @ weights[rows]
                for column in places.T:
                    levels += np.bincount(column, weights[rows], minlength=self.n_levels)
            return np.concatenate([sums, levels, [total]]) / total
        found = np.zeros((p, p))
        for begin in range(0, len(weights), CHUNK):
            rows = slice(begin, begin + CHUNK)
            x = np.zeros((len(weights[rows]), p), np.float32)
            numbers, places = self.block(rows)
            x[:, :n], x[:, -1] = numbers, 1.0
            np.put_along_axis(x, n + places, 1.0, axis=1)
            x *= np.sqrt(weights[rows, None])
            found += x.T @ x
        return found / total

    @property
    def curvature(self) -> float:
        """A bound of a row's second derivative by its scores."""
        return CURVATURE[self.row_loss]

    def beside(self, start: np.ndarray) -> tuple[np.ndarray, float]:
        """Return roughly the second derivatives of the mean loss by what is beside the coefficients, and its least value."""
        return np.zeros(0), 0.0

    def root(self, penalty: float) -> np.ndarray:
        """Return R with RᵀR = curvature · gram + penalty / rows, upper triangular; for many columns its diagonal."""
        ridge = np.full(self.shape[0], penalty / len(self.truth))
        ridge[-1], curvature = 0.0, self.curvature
        if self.gram.ndim == 1:
            return np.sqrt(curvature * self.gram + ridge + 1e-6)
        return np.linalg.cholesky(curvature * self.gram + np.diag(ridge + 1e-6)).T

    def mean_loss(self, solution: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean loss of the rows and its gradient, summed over blocks of them."""
        value, gradient = 0.0, np.zeros(len(solution))
        for begin in range(0, len(self.weights), BLOCK):
            part, slopes = self._block_loss(slice(begin, begin + BLOCK), solution, self.weights.sum())
            value += part
            gradient += slopes
        return value, gradient

    def objective(self, solution: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
        """Return what is minimised and its gradient: the mean loss, and the penalty on all coefficients but intercepts."""
        value, gradient = self.mean_loss(solution)
        if penalty:
            shrunk = self.table(solution).copy()
            shrunk[-1] = 0.0
            strength = penalty / len(self.truth)
            value += 0.5 * strength * float((shrunk * shrunk).sum())
            gradient[: shrunk.size] += strength * shrunk.ravel()
        return value, gradient

    def _row_losses(
        self, scores: np.ndarray, rows: slice, solution: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rows' losses, their slopes by the scores, and the weighted slopes by what is beside the coefficients."""
        losses, slopes = self.row_loss(scores, self.truth[rows])
        return losses, slopes, np.zeros(0)

    def _block_loss(self, rows: slice, solution: np.ndarray, total: float) -> tuple[float, np.ndarray]:
        """Return what rows add to the mean loss and to its gradient."""
        x, places = self.block(rows)
        numbers, levels, intercept = self.parts(solution)
        scores = x @ numbers + intercept
        for column in places.T:
            scores += levels[column]
        weights = self.weights[rows] / total
        losses, slopes, beside = self._row_losses(scores, rows, solution, weights)
        slopes = slopes * weights[:, None]
        gradient = np.empty(self.shape)
        n = self.numbers.shape[1]
        gradient[:n], gradient[-1] = x.T @ slopes, slopes.sum(axis=0)
        for k in range(self.shape[1]):
            by_level = np.zeros(self.n_levels)
            for column in places.T:
                by_level += np.bincount(column, slopes[:, k], minlength=self.n_levels)
            gradient[n:-1, k] = by_level
        return float(losses @ weights), np.concatenate([gradient.ravel(), beside])


def some(design: Design, seed: int) -> Design:
    """Return the design of the rows on which a penalty is chosen: all, or of more than a million a random million."""
    if len(design.weights) <= CHOSEN_ON:
        return design
    return design.take(np.sort(generator(seed, "linear", "some").permutation(len(design.weights))[:CHOSEN_ON]))


def solve(
    design: Design, start: np.ndarray, penalty: float, clock: Clock, near: float = 1e-6
) -> tuple[np.ndarray, bool]:
    """Return the solution, and whether it was reached before the clock ran out.

    L-BFGS runs in coordinates in which a bound of the curvature is the identity (Böhning 1992): skewed and correlated
    columns then cost few rounds, and the squared loss one. What is beside the coefficients has a least value.
    Terms of texts are solved less exactly: of millions of coefficients the last digits took nearly three times as long, and
    moved one of 2,000 held-out rows at most.
    """
    from scipy.optimize import minimize

    root = design.root(penalty)
    unroot = np.linalg.inv(root) if root.ndim == 2 else (1.0 / root)[:, None]
    back = unroot.__matmul__ if root.ndim == 2 else unroot.__mul__
    forth = unroot.T.__matmul__ if root.ndim == 2 else unroot.__mul__
    curvatures, least = design.beside(start)
    n, stretch = len(start) - design.n_beside, np.sqrt(np.maximum(curvatures, 1e-6))

    def whole(turned: np.ndarray) -> np.ndarray:
        return np.concatenate([back(turned[:n].reshape(design.shape)).ravel(), turned[n:] / stretch])

    def objective(turned: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = design.objective(whole(turned), penalty)
        return value, np.concatenate([forth(gradient[:n].reshape(design.shape)).ravel(), gradient[n:] / stretch])

    def on_time(intermediate_result: Any) -> None:
        if clock.over:
            raise StopIteration

    table = design.table(start)
    turned = np.concatenate([(root @ table if root.ndim == 2 else root[:, None] * table).ravel(), start[n:] * stretch])
    bounds = [(None, None)] * n + [(least * by, None) for by in stretch] if design.n_beside else None
    exact, rough = {"maxcor": 20, "ftol": 1e-11}, {"maxcor": 10, "ftol": near}
    options = {"maxiter": 300, "gtol": 1e-7, **(exact if design.dense else rough)}
    found = minimize(objective, turned, method="L-BFGS-B", jac=True, callback=on_time, bounds=bounds, options=options)
    return whole(found.x), not clock.over


def choose(
    design: Design, start: np.ndarray, seed: int, clock: Clock, path: Sequence[float] = PATH
) -> tuple[float, float]:
    """Return the penalty of `path` with the lowest held-out loss inside the training rows, and that loss (inf: too few rows)."""
    parts = [(design.take(kept), design.take(held)) for kept, held in _held_out(design, seed)]
    if not parts:
        return MIDDLE if len(path) > 1 else path[0], np.inf
    solutions, best, best_loss = [start] * len(parts), path[0], np.inf
    for penalty in path:
        solutions = [solve(kept, solution, penalty, clock)[0] for (kept, _), solution in zip(parts, solutions)]
        held_loss = sum(held.mean_loss(solution)[0] * len(held.truth) for (_, held), solution in zip(parts, solutions))
        if held_loss < best_loss:
            best, best_loss = penalty, held_loss
        if clock.over and best == penalty and len(path) > 1:
            # Weaker ones were still gaining: the strong end of the path, where it happens to stop, is no choice.
            return min(best, MIDDLE), float(best_loss)
        if clock.over or held_loss > best_loss * WORSE:
            break
    return best, float(best_loss)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)) without overflow.

    Examples:
        >>> sigmoid(np.array([-1000.0, 0.0]))
        array([0. , 0.5])
    """
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _held_out(design: Design, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    n_rows, enough = len(design.truth), ONE_HOLDOUT if design.dense else ONE_OF_TERMS
    folds = generator(seed, "linear", "held out").permutation(n_rows) % 5
    for fold in range(1 if n_rows >= enough else min(5, n_rows if n_rows > 1 else 0)):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def offsets(layout: tuple[tuple[str, int], ...]) -> np.ndarray:
    """Return where each column's levels begin among all levels, (n_codes,) int64."""
    return np.cumsum([0, *(cardinality for _, cardinality in layout)])[:-1].astype(np.int64)
