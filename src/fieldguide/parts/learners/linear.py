"""Logistic and ridge regression on scaled numbers and one-hot codes.

Knows coefficients, a quadratic penalty and how to choose it inside the training rows. One-hot columns are never written
out: a code picks its coefficient, so that many levels cost nothing. Predicting needs numpy only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.errors import ModelError
from fieldguide.core.files.shelf import released
from fieldguide.core.seeds import generator
from fieldguide.core.settings import setting
from fieldguide.parts.learners._objective import class_weights

PATH = (
    1000.0,
    100.0,
    10.0,
    1.0,
    0.1,
    0.01,
)  # penalties tried, the strongest first, each starting from the last solution
MIDDLE = 10.0  # where there are too few rows to try any
ONE_HOLDOUT = 5_000  # from this many rows on, one fifth held out judges a penalty as well as five folds
WORSE = 1.001  # a held-out loss this much above the best ends the path

ARRAYS = ("numbers", "levels", "intercept", "centre", "scale")  # of one output's coefficients, as saved
CHUNK = 4096  # rows written out as one-hot columns at a time
BLOCK = (
    65_536  # rows whose losses and gradients are summed together; all numbers up to so many rows are those of one block
)
WHOLE = 8_000_000  # numbers up to which they are held in double precision
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


LOSSES: dict[str, Loss] = {
    "binary_cross_entropy": sigmoid_loss,
    "cross_entropy": softmax_loss,
    "ordinal": softmax_loss,
    "poisson": poisson_loss,
}  # any other: squared_loss
CURVATURE: dict[Loss, float] = {
    sigmoid_loss: 0.25,
    softmax_loss: 0.5,
    squared_loss: 1.0,
    poisson_loss: 1.0,  # no bound: targets are divided by their mean, so that rates are about 1
}  # bounds of the second derivative


@dataclass(frozen=True)
class Linear:
    """Logistic regression for classes and label sets, Poisson regression for counts, ridge regression for other values.

    The labels of a set and the entries of a vector share one penalty. Ordered labels are learned as classes.

    Minimises the mean loss plus penalty / (2 · rows) times the squared coefficients, intercepts free, by L-BFGS. Loss and gradient
    are summed over blocks of rows, so that rows may lie on disk. A penalty is chosen on at most a million of them.

    Source:
        Hoerl and Kennard, "Ridge Regression", Technometrics 12(1), 1970; Cox, "The Regression Analysis of Binary
        Sequences", JRSS B 20(2), 1958.

    Examples:
        >>> Linear(penalty=1.0).penalty
        1.0
    """

    name: ClassVar[str] = "linear"
    kind: ClassVar[Literal["simple"]] = "simple"
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    losses: ClassVar[tuple[str, ...]] = ("weighted",)
    recipe: ClassVar[Mapping[str, Any]] = {"media": "sparse"}

    penalty: float = setting(
        0.0, "weight of the squared coefficients [rows]; 0 chooses it inside the training rows", capacity=-1
    )

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> LinearEstimator:
        """Choose the penalty on rows held out of `train` (of a random million of them), then fit on all; `stop` is not used.

        Shape:
            train.batch.numbers: (rows, n_numbers) float32 without NaN
            train.batch.codes: (rows, n_codes) int32
        """
        fits, cut = [], False
        for i, (target, output) in enumerate(zip(train.targets, outputs)):
            clock = effort.clock.share(1 / (len(outputs) - i))
            weights = row_weights(class_weights(output, target, train.weights), len(train))
            truth, centre, scale = _truth(target, output, weights)
            design = Design(_inputs(train.batch), train.batch.codes, train.batch.layout.codes, truth, weights)
            loss = LOSSES.get(output.task.loss, squared_loss)
            start = design.start(loss)
            choosing = clock.share(0.6)
            penalty = self.penalty or choose(some(design, effort.seed), loss, start, effort.seed, choosing)
            # A choice that the clock ended is another one on a slower machine, as a solution is.
            hurried = not self.penalty and choosing.over
            solution, whole = solve(design, loss, start, penalty, clock)
            cut |= hurried or not whole
            fits.append(Coefficients(*design.parts(solution), centre, scale, _link(loss, output), penalty))
        return LinearEstimator(tuple(fits), train.batch.layout.codes, stopped="clock" if cut else "")

    def load(self, folder: Path, data: Mapping[str, Any]) -> LinearEstimator:
        """Return what `save` wrote.

        Raises:
            ModelError: the coefficients are missing or damaged.
        """
        try:
            arrays = load_file(folder / "linear.safetensors")
            fits = tuple(
                Coefficients(**{**rest, **{name: arrays[f"{name}_{i}"] for name in ARRAYS}})
                for i, rest in enumerate(data["outputs"])
            )
        except (OSError, KeyError, TypeError, SafetensorError) as reason:
            raise ModelError(
                "the coefficients cannot be read",
                rule="they are the numbers that `save` wrote",
                found=str(reason),
                do="restore the model folder",
            ) from reason
        return LinearEstimator(fits, tuple((name, int(n)) for name, n in data["codes"]), stopped=data["stopped"])


@dataclass(frozen=True)
class Coefficients:
    """One output's fit.

    Shape:
        numbers: (n_numbers, width) float64
        levels: (sum of cardinalities, width) float64
        intercept, centre, scale: (width,) float64; width is 1 for a sigmoid link
    """

    numbers: np.ndarray
    levels: np.ndarray
    intercept: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    link: str
    penalty: float

    def predict(self, numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
        scores = numbers @ self.numbers + self.intercept
        if places.shape[1]:
            scores += self.levels[places].sum(axis=1)
        if self.link == "exp":
            return self.scale * np.exp(np.minimum(scores, 30.0))
        if self.link == "members":
            return sigmoid(scores)
        if self.link == "sigmoid":
            positive = sigmoid(scores[:, 0])
            return np.stack([1.0 - positive, positive], axis=1)
        if self.link == "softmax":
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            return odds / odds.sum(axis=1, keepdims=True)
        return self.centre + self.scale * scores


@dataclass(frozen=True)
class LinearEstimator:
    """Fitted coefficients, one set per output."""

    fits: tuple[Coefficients, ...]
    codes: tuple[tuple[str, int], ...]
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output.

        Shape:
            returns[i]: (rows, n_labels) float64 probabilities, or (rows, d) float64 values
        """
        numbers, places = _numbers(batch), batch.codes + _offsets(self.codes)
        return tuple(fit.predict(numbers, places) for fit in self.fits)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write the coefficients to `linear.safetensors`."""
        arrays = {
            f"{name}_{i}": np.ascontiguousarray(getattr(fit, name))
            for i, fit in enumerate(self.fits)
            for name in ARRAYS
        }
        save_file(arrays, folder / "linear.safetensors")
        return {
            "outputs": [{"link": fit.link, "penalty": fit.penalty} for fit in self.fits],
            "codes": [list(code) for code in self.codes], "stopped": self.stopped,
        }  # fmt: skip


class Design:
    """Rows as the solver sees them: coefficients to scores, gradients by scores to gradients by coefficients.

    A solution is one flat array: numbers, levels and intercept below one another, (n_numbers + n_levels + 1) × width.
    """

    def __init__(
        self,
        numbers: Any,
        codes: np.ndarray,
        layout: tuple[tuple[str, int], ...],
        truth: np.ndarray,
        weights: np.ndarray,
    ) -> None:
        self.numbers, self.codes, self.layout = numbers, codes, layout
        self.truth, self.weights = truth, weights
        self.n_levels = sum(cardinality for _, cardinality in layout)
        self.shape = (self.numbers.shape[1] + self.n_levels + 1, truth.shape[1])
        self.dense = isinstance(numbers, np.ndarray)

    def block(self, rows: slice) -> tuple[Any, np.ndarray]:
        """Return the numbers of consecutive rows in double precision, and the places of their levels."""
        numbers = np.asarray(self.numbers[rows], np.float64) if self.dense else self.numbers[rows]
        places = self.codes[rows] + _offsets(self.layout)
        released(self.codes)
        if self.dense:
            released(self.numbers)
        return numbers, places

    def take(self, rows: np.ndarray) -> Design:
        return Design(self.numbers[rows], self.codes[rows], self.layout, self.truth[rows], self.weights[rows])

    def parts(self, solution: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (numbers, levels, intercept)."""
        table = solution.reshape(self.shape)
        n = self.numbers.shape[1]
        return table[:n], table[n:-1], table[-1]

    def start(self, loss: Loss) -> np.ndarray:
        """Return the solution that looks at no column: the log odds of the smoothed shares, or the mean (0)."""
        table = np.zeros(self.shape)
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

    def root(self, curvature: float, penalty: float) -> np.ndarray:
        """Return R with RᵀR = curvature · gram + penalty / rows, upper triangular; for many columns its diagonal."""
        ridge = np.full(self.shape[0], penalty / len(self.truth))
        ridge[-1] = 0.0
        if self.gram.ndim == 1:
            return np.sqrt(curvature * self.gram + ridge + 1e-6)
        return np.linalg.cholesky(curvature * self.gram + np.diag(ridge + 1e-6)).T

    def loss(self, solution: np.ndarray, loss: Loss, penalty: float) -> tuple[float, np.ndarray]:
        """Return the objective and its gradient, summed over blocks of rows."""
        total, value, gradient = self.weights.sum(), 0.0, np.zeros(self.shape)
        for begin in range(0, len(self.weights), BLOCK):
            part, slopes = self._block_loss(slice(begin, begin + BLOCK), solution, loss, total)
            value += part
            gradient += slopes
        shrunk = solution.copy()
        if penalty:
            shrunk.reshape(self.shape)[-1] = 0.0
            strength = penalty / len(self.truth)
            value += 0.5 * strength * float(shrunk @ shrunk)
            gradient += strength * shrunk.reshape(self.shape)
        return value, gradient.ravel()

    def _block_loss(self, rows: slice, solution: np.ndarray, loss: Loss, total: float) -> tuple[float, np.ndarray]:
        """Return what rows add to the mean loss and to its gradient."""
        x, places = self.block(rows)
        numbers, levels, intercept = self.parts(solution)
        scores = x @ numbers + intercept
        for column in places.T:
            scores += levels[column]
        losses, slopes = loss(scores, self.truth[rows])
        slopes = slopes * (self.weights[rows] / total)[:, None]
        gradient = np.empty(self.shape)
        n = self.numbers.shape[1]
        gradient[:n], gradient[-1] = x.T @ slopes, slopes.sum(axis=0)
        for k in range(self.shape[1]):
            by_level = np.zeros(self.n_levels)
            for column in places.T:
                by_level += np.bincount(column, slopes[:, k], minlength=self.n_levels)
            gradient[n:-1, k] = by_level
        return float(losses @ self.weights[rows] / total), gradient


def some(design: Design, seed: int) -> Design:
    """Return the design of the rows on which a penalty is chosen: all, or of more than a million a random million."""
    if len(design.weights) <= CHOSEN_ON:
        return design
    return design.take(np.sort(generator(seed, "linear", "some").permutation(len(design.weights))[:CHOSEN_ON]))


def solve(design: Design, loss: Loss, start: np.ndarray, penalty: float, clock: Clock) -> tuple[np.ndarray, bool]:
    """Return the solution, and whether it was reached before the clock ran out.

    L-BFGS runs in coordinates in which a bound of the curvature is the identity (Böhning 1992): skewed and correlated
    columns then cost few rounds, and the squared loss one.
    """
    from scipy.optimize import minimize

    root = design.root(CURVATURE[loss], penalty)
    unroot = np.linalg.inv(root) if root.ndim == 2 else (1.0 / root)[:, None]
    back = unroot.__matmul__ if root.ndim == 2 else unroot.__mul__
    forth = unroot.T.__matmul__ if root.ndim == 2 else unroot.__mul__

    def objective(turned: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = design.loss(back(turned.reshape(design.shape)).ravel(), loss, penalty)
        return value, forth(gradient.reshape(design.shape)).ravel()

    def on_time(intermediate_result: Any) -> None:
        if clock.over:
            raise StopIteration

    table = start.reshape(design.shape)
    turned = root @ table if root.ndim == 2 else root[:, None] * table
    options = {"maxiter": 300, "maxcor": 20, "ftol": 1e-11, "gtol": 1e-7}
    found = minimize(objective, turned.ravel(), method="L-BFGS-B", jac=True, callback=on_time, options=options)
    return back(found.x.reshape(design.shape)).ravel(), not clock.over


def row_weights(weights: np.ndarray | None, n_rows: int) -> np.ndarray:
    """Return row weights with mean 1."""
    return np.ones(n_rows) if weights is None else weights / weights.mean()


def choose(design: Design, loss: Loss, start: np.ndarray, seed: int, clock: Clock) -> float:
    """Return the penalty of `PATH` with the lowest held-out loss inside the training rows."""
    parts = [(design.take(kept), design.take(held)) for kept, held in _held_out(len(design.truth), seed)]
    if not parts:
        return MIDDLE
    solutions, best, best_loss = [start] * len(parts), PATH[0], np.inf
    for penalty in PATH:
        solutions = [solve(kept, loss, solution, penalty, clock)[0] for (kept, _), solution in zip(parts, solutions)]
        held_loss = sum(
            held.loss(solution, loss, 0.0)[0] * len(held.truth) for (_, held), solution in zip(parts, solutions)
        )
        if held_loss < best_loss:
            best, best_loss = penalty, held_loss
        if clock.over or held_loss > best_loss * WORSE:
            break
    return best


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)) without overflow.

    Examples:
        >>> sigmoid(np.array([-1000.0, 0.0]))
        array([0. , 0.5])
    """
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _truth(target: np.ndarray, output: Any, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the target as columns, and what takes a score back: its centre and scale."""
    if output.task.family == "classes":
        columns = np.eye(output.width, dtype=np.uint8)[target]
        columns = columns[:, 1:] if output.task.loss == "binary_cross_entropy" else columns
        return columns, np.zeros(columns.shape[1]), np.ones(columns.shape[1])
    values = target.reshape(len(target), -1).astype(np.float64)
    if output.task.family == "sets":
        return values, np.zeros(values.shape[1]), np.ones(values.shape[1])
    if output.task.loss == "poisson":
        mean = np.maximum(np.average(values, axis=0, weights=weights), 1e-12)
        return values / mean, np.zeros(values.shape[1]), mean
    centre = np.average(values, axis=0, weights=weights)
    scale = np.sqrt(np.average((values - centre) ** 2, axis=0, weights=weights))
    scale[scale == 0] = 1.0
    return (values - centre) / scale, centre, scale


def _held_out(n_rows: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    folds = generator(seed, "linear", "held out").permutation(n_rows) % 5
    for fold in range(1 if n_rows >= ONE_HOLDOUT else min(5, n_rows if n_rows > 1 else 0)):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def _link(loss: Loss, output: Any) -> str:
    if output.task.family == "sets":
        return "members"
    links: dict[Loss, str] = {sigmoid_loss: "sigmoid", softmax_loss: "softmax", poisson_loss: "exp"}
    return links.get(loss, "identity")


def _inputs(batch: Batch) -> Any:
    """Return the same to learn from; of many rows in single precision, as they are, since blocks of them are made double."""
    return batch.numbers if batch.numbers.size > WHOLE and not batch.layout.n_terms else _numbers(batch)


def _numbers(batch: Batch) -> Any:
    """Return the columns that have one coefficient each, (rows, columns) float64; sparse where the batch has terms."""
    numbers = batch.numbers.astype(np.float64)
    if not batch.layout.n_terms:
        return numbers
    from scipy.sparse import csr_matrix, hstack

    return hstack([csr_matrix(numbers), batch.arrays["terms"].astype(np.float64)], format="csr")


def _offsets(layout: tuple[tuple[str, int], ...]) -> np.ndarray:
    """Return where each column's levels begin among all levels, (n_codes,) int64."""
    return np.cumsum([0, *(cardinality for _, cardinality in layout)])[:-1].astype(np.int64)
