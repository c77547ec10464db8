"""Logistic, proportional-odds, Poisson and ridge regression on scaled numbers and one-hot codes.

Knows coefficients, links and which loss an output asks for; minimising it is `_design`'s. One-hot columns are never written
out: a code picks its coefficient, so that many levels cost nothing. Predicting needs numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.errors import ModelError
from fieldguide.core.settings import setting
from fieldguide.parts.learners._cumulative import probabilities
from fieldguide.parts.learners._design import (
    PATH,
    Design,
    Loss,
    choose,
    offsets,
    poisson_loss,
    sigmoid,
    sigmoid_loss,
    softmax_loss,
    solve,
    some,
    squared_loss,
)
from fieldguide.parts.learners._objective import class_weights
from fieldguide.parts.learners._proportional import Ordered

ARRAYS = ("numbers", "levels", "intercept", "centre", "scale")  # of one output's coefficients, as saved
WHOLE = 8_000_000  # numbers up to which they are held in double precision
LOSSES: dict[str, Loss] = {
    "binary_cross_entropy": sigmoid_loss,
    "cross_entropy": softmax_loss,
    "poisson": poisson_loss,
}  # any other: squared_loss; "ordinal" has rows of its own


@dataclass(frozen=True)
class Linear:
    """Logistic, proportional-odds, Poisson and ridge regression: for classes and sets, ordered labels, counts, other values.

    The labels of a set and the entries of a vector share one penalty. Ordered labels share one set of coefficients (the log-odds of
    lying above a level are the row's score plus the level's cut), or are learned as classes where held-out rows say that the
    columns act on levels in different ways.

    Minimises the mean loss plus penalty / (2 · rows) times the squared coefficients, intercepts free, by L-BFGS. Loss and gradient
    are summed over blocks of rows, so that rows may lie on disk. A penalty is chosen on at most a million of them.

    Source:
        Hoerl and Kennard, "Ridge Regression", Technometrics 12(1), 1970; Cox, "The Regression Analysis of Binary
        Sequences", JRSS B 20(2), 1958; McCullagh, "Regression Models for Ordinal Data", JRSS B 42(2), 1980.

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
    order: str = setting(
        "held out",
        "ordered labels: 'proportional' shares coefficients among levels, 'free' has some for each, 'held out' takes the likelier",
        capacity=0,
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
            truth, centre, scale = truth_of(target, output, weights)
            part = _inputs(train.batch), train.batch.codes, train.batch.layout.codes
            designs = self._designs(part, truth, weights, output)
            # A choice that the clock ended is another one on a slower machine, as a solution is.
            design, penalty, hurried = self._chosen(designs, effort.seed, clock.share(0.6))
            solution, whole = solve(design, design.start(), penalty, clock)
            cut |= hurried or not whole
            numbers, levels, intercept = design.parts(solution)
            intercept = design.cuts(solution) if isinstance(design, Ordered) else intercept
            centre, scale = (np.resize(values, design.shape[1]) for values in (centre, scale))
            fits.append(Coefficients(numbers, levels, intercept, centre, scale, _link(design, output), penalty))
        return LinearEstimator(tuple(fits), train.batch.layout.codes, stopped="clock" if cut else "")

    def _designs(
        self, inputs: tuple[Any, Any, Any], truth: np.ndarray, weights: np.ndarray, output: Any
    ) -> list[Design]:
        """Return the rows as they may be learned: one way, or for ordered labels the two that held-out rows decide between."""
        if output.task.loss != "ordinal":
            return [Design(*inputs, truth, weights, LOSSES.get(output.task.loss, squared_loss))]
        found: list[Any] = []
        if self.order != "free":
            found.append(Ordered(*inputs, truth, weights, n_labels=output.width))
        # A level without rows has none to learn from: only shared coefficients say something of it.
        asked = self.order == "held out" and output.width > 2 and not found[0].none.size
        if self.order == "free" or asked:
            found.append(Design(*inputs, np.eye(output.width, dtype=np.uint8)[truth[:, 0]], weights, softmax_loss))
        return found

    def _chosen(self, designs: list[Design], seed: int, clock: Clock) -> tuple[Design, float, bool]:
        """Return the way and the penalty that do best on held-out rows, and whether the clock ended the choice."""
        if self.penalty and len(designs) == 1:
            return designs[0], self.penalty, False
        best, best_loss, hurried = (designs[0], self.penalty), np.inf, False
        for k, design in enumerate(designs):
            time = clock if k == len(designs) - 1 else clock.share(1 / (len(designs) - k))
            path = (self.penalty,) if self.penalty else PATH
            penalty, loss = choose(some(design, seed), design.start(), seed, time, path)
            hurried |= time.over
            if k == 0 or loss < best_loss:  # of equal ones the first
                best, best_loss = (design, penalty), loss
        return *best, hurried

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
        intercept, centre, scale: (width,) float64; width is 1 for a sigmoid link, and for a cumulative one, whose intercept is
            (n_labels - 1,): the cuts
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
        if self.link == "cumulative":
            return probabilities(scores)
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
        numbers, places = _numbers(batch), batch.codes + offsets(self.codes)
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


def row_weights(weights: np.ndarray | None, n_rows: int) -> np.ndarray:
    """Return row weights with mean 1."""
    return np.ones(n_rows) if weights is None else weights / weights.mean()


def truth_of(target: np.ndarray, output: Any, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the target as columns, and what takes a score back: its centre and scale."""
    if output.task.loss == "ordinal":
        return target.astype(np.int64)[:, None], np.zeros(1), np.ones(1)
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


def _link(design: Design, output: Any) -> str:
    if isinstance(design, Ordered):
        return "cumulative"
    if output.task.family == "sets":
        return "members"
    links = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax", "ordinal": "softmax", "poisson": "exp"}
    return links.get(output.task.loss, "identity")


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
