"""What every interchangeable part must be: the doors between core and parts, stated once.

A part is one file in a folder of `parts/`; its file name is its name in `study.yaml`. The contract tests of each kind ship
in `fieldguide.testing`. Core calls parts only through these protocols and never imports one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import polars as pl

from fieldguide.core.batch import Encoded, Layout
from fieldguide.core.clock import Clock
from fieldguide.core.explanation import Explanation
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.online.experiment import Judged, Phase, Verdict

Predictions = tuple[np.ndarray, ...]
"""One array per output: (rows, n_labels) float64 probabilities for classes and sets, (rows, d) float64 values otherwise."""

Threshold = float | Sequence[float] | None
"""Where decisions are cut: one probability, one per label of a set, or None for the task's own way."""


@runtime_checkable
class Task(Protocol):
    """A learning task: how its target is coded, which last layer and loss it has, how predictions are read.

    Called by: frame (labels), evaluate (encode), learners (loss, activation, width), metrics (family).
    """

    name: ClassVar[str]
    family: ClassVar[
        Literal["classes", "sets", "values", "structure"]
    ]  # one of several labels, any of several, numbers, or without a target
    loss: ClassVar[
        str
    ]  # the loss networks minimise by default: "binary_cross_entropy", "cross_entropy", "squared_error", "poisson", "ordinal"
    activation: ClassVar[str]  # the last layer: "sigmoid", "softmax", "identity", "exp", "ordinal"
    metrics: ClassVar[tuple[str, ...]]  # the metrics that can judge it, the default first

    def labels(self, target: pl.Series, positive: str | None) -> tuple[str, ...]:
        """Return the class labels in code order (binary: negative, positive), the labels of sets, the entries of vectors;
        empty for one value."""

    def encode(self, target: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
        """Return coded targets: (rows,) int64 codes, (rows, n_labels) int64 memberships, (rows,) or (rows, d) float64 values.

        Raises DataError on an unknown label or a missing entry.
        """

    def width(self, labels: tuple[str, ...]) -> int:
        """Return the number of columns of a prediction: labels, entries, or 1."""

    def decide(self, prediction: np.ndarray, threshold: Threshold) -> np.ndarray:
        """Return decisions of one output's prediction, shaped as `encode` shapes its truth."""

    # A task may also have `plain(coded) -> np.ndarray`, where its codes say more than a number to predict: the number alone, and
    # `plain_task`, the task of that number. Learners that do not minimise its loss are fitted on these, and only the metrics that
    # the task names can judge it.
    #
    # A task of the family `structure` has no target: `encode` is given the rows as points of one space (rows, d), predictions may
    # have any width, and `told(prediction, labels)` gives the columns of an answer, `words(prediction, labels)` the answer itself.


@runtime_checkable
class Metric(Protocol):
    """A judge of one output. Frozen dataclass; its fields are its settings (beta, costs …).

    Called by: `core.score` with weights from the bootstrap; the same function serves tables, slices and intervals.
    """

    name: ClassVar[str]
    title: ClassVar[str]  # as written in reports: "ROC AUC"
    greater_is_better: ClassVar[bool]
    reads: ClassVar[Literal["probability", "decision", "value"]]
    families: ClassVar[tuple[str, ...]]  # "binary", "multiclass", "multilabel", "values", "vector", "structure"
    # A metric may also have `tasks: ClassVar[tuple[str, ...]]`: the only tasks that it judges, of its families. One that judges
    # without a target has `each(truth, prediction)`, the rows' own parts of it, which are resampled as they are. One that has no
    # weighted form says `unweighted = True`: row weights are then left out of it, and every score says so.
    best: ClassVar[float]  # the value of a perfect prediction
    worst: ClassVar[float]  # the other end of its range; intervals are clipped to both

    def score(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Return the metric.

        Shape:
            truth: (rows,) int64 codes or float64 values; (rows, width) for label sets and vectors
            prediction: (rows, n_labels) probabilities, (rows,) decisions or (rows,) values, as `reads` says; decisions
                of label sets and values of vectors are (rows, width)
            weights: (rows,) float64 or None
        """

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the metric under many weightings at once.

        Shape:
            weights: (replicates, rows) float32
            returns: (replicates,) float64; NaN where a replicate cannot be judged (one class only)
        """


@dataclass(frozen=True)
class Roles:
    """What each row belongs to, beside its values: read by splitters and by the bootstrap.

    Shape:
        keys: (rows,) uint64 content hash of the features; equal rows have equal keys
        blocks: (rows,) int64; rows of one block (a declared group, exact or near duplicates) stay in the same part
        times: (rows,) int64 microseconds since 1970, or None
        strata: (rows,) int64 class codes for stratifying, or None
    """

    keys: np.ndarray
    blocks: np.ndarray
    times: np.ndarray | None = None
    strata: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Roles:
        return Roles(
            self.keys[rows],
            self.blocks[rows],
            None if self.times is None else self.times[rows],
            None if self.strata is None else self.strata[rows],
        )

    def __len__(self) -> int:
        return len(self.keys)


@runtime_checkable
class Splitter(Protocol):
    """A way to divide rows. Called by: split (the seal, validation, folds) and evaluate (early-stopping rows)."""

    name: ClassVar[str]

    def hold_out(self, roles: Roles, share: float, salt: str) -> tuple[np.ndarray, np.ndarray]:
        """Return (kept, held) row indices, disjoint; rows in neither had to be purged. Depends on content, not on row order."""

    def folds(self, roles: Roles, k: int, repeats: int, salt: str) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Return (repeat, train rows, validation rows) for k folds, `repeats` times (forward chaining ignores repeats)."""


class Encoder(Protocol):
    """Fitted statistics of one modality's columns; plain data inside. Made by `Modality.fit`."""

    def layout(self) -> Layout: ...

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return this modality's arrays ("numbers", "codes" or a block) for cells, one array of length rows per column."""

    def to_dict(self) -> dict[str, Any]: ...


class Modality(Protocol):
    """A kind of data: how it is recognised, read, described, encoded. Called by: table (read), explore, transform.

    A modality may also have `near(typed) -> (pairs, 2)` rows that are nearly the same (split), and one of files
    `why(value, column)`: why a raw cell is broken, `portable(value)`: a cell as a request would send it (golden rows),
    and `thumbnail(value, side)`: a small `data:` URI for reports. Where a column names a checkpoint, `fit` is given it:
    `fit(cells, recipe, {column: checkpoint})`.
    """

    name: ClassVar[str]

    def read(self, raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
        """Return (typed values, broken): `broken` marks cells that hold something this column cannot hold."""

    def cells(self, typed: pl.Series) -> np.ndarray:
        """Return typed values as one numpy array: float64 with NaN, or object with None."""

    def read_value(self, value: Any, column: Any) -> tuple[Any, bool]:
        """Read one raw cell as `read` does, without a series: (value or None, broken)."""

    def cell(self, value: Any) -> np.ndarray:
        """Return one value that `read_value` gave as `cells` would: shape (1,)."""

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return summary facts (counts, quantiles, top levels …) as plain data."""

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any) -> Encoder:
        """Fit the encoder of all columns of this modality on training cells.

        A modality that has pretrained encoders takes `checkpoints: Mapping[str, str] | None = None` as well: the checkpoint of each
        column that names one. Without that argument, a column that names one is refused.
        """

    def load(self, data: Mapping[str, Any]) -> Encoder:
        """Return the encoder that `to_dict` described."""


@dataclass(frozen=True)
class Effort:
    """How hard one fit may try: threads, a deadline, a seed, and the step count when it is a refit.

    Args:
        seed: seed of this fit.
        threads: threads to compute with.
        clock: when to stop; a stop is reported in the estimator's `stopped`.
        n_steps: train exactly this many steps (a refit); None lets early stopping decide.
        watch: called with one dict per epoch or round block (the learning curve).
    """

    seed: int = 0
    threads: int = 1
    clock: Clock = field(default_factory=Clock)
    n_steps: int | None = None
    watch: Callable[[dict[str, Any]], None] | None = None


@runtime_checkable
class Estimator(Protocol):
    """A fitted learner. Knows encoded batches only."""

    n_steps: int | None  # the best step count (boosting rounds, gradient steps); None where there are no steps
    stopped: str  # "early", "steps", "clock", or "" where there are no steps
    history: list[dict[str, Any]]  # the learning curve: step, train, validation

    def predict(self, batch: Any) -> Predictions: ...

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write weights into `folder` (safetensors or the learner's own text), return the rest as plain data.

        A draft leaves out what only a shipped model needs and takes long to make, such as an ONNX graph.
        """


@runtime_checkable
class Learner(Protocol):
    """A way to fit encoded rows. Frozen dataclass: its fields are its settings; see `core.settings`.

    Called by: `core.candidate.fit` only.
    """

    name: ClassVar[str]
    kind: ClassVar[Literal["trivial", "simple", "boosting", "forest", "network", "ensemble", "user"]]
    stops_early: ClassVar[bool]  # wants early-stopping rows
    steps_scale: ClassVar[bool]  # refit steps are scaled by n_refit / n_fit
    in_memory: ClassVar[int | None]  # the most rows it can take, a random sample of more; None: any number
    recipe: ClassVar[Mapping[str, Any]]  # how it wants columns encoded: fields of `Recipe` that differ from the default
    # A learner may also have `losses: ClassVar[tuple[str, ...]]`, the losses of problem.loss it can minimise beside the task's own
    # (networks have none: they minimise any), `presets: ClassVar[Mapping[str, Mapping]]`, settings known to be good elsewhere, and
    # `sized(train, outputs, seconds, threads) -> Self`, itself at the largest size that fits the time, `paced(train, outputs,
    # seconds, threads) -> Self`, itself as fast as a fit of `seconds` must be, asked by the bench before every trial under a clock, `forecasts = True` where it
    # reads the past of a series and belongs to no table, `targetless = True` where it learns without a target, and `continued(estimator, train, stop, outputs, effort) -> Estimator`, which
    # fits an estimator further on rows of the same encoding (a warm start); `n_steps` then counts what was added, 0: nothing was better.

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Estimator: ...

    def load(self, folder: Path, data: Mapping[str, Any]) -> Estimator:
        """Return the estimator that `Estimator.save` wrote; never executes anything from the folder."""


@runtime_checkable
class Loss(Protocol):
    """What networks minimise for one output, a row at a time. Frozen dataclass: its fields are its settings.

    Called by: nets.heads (which logits, which last layer), learners (targets, gradients), frame (whether it suits the task).
    Arrays are torch tensors, which core does not know.
    """

    name: ClassVar[str]
    title: ClassVar[str]  # as written in the docs: "Focal loss"
    units: ClassVar[str]  # of the loss: "nats", "standard deviations of the target"
    tasks: ClassVar[tuple[str, ...]]  # names of the tasks it suits
    activation: ClassVar[str]  # the last layer it asks for; empty: the task's own
    scaling: ClassVar[
        Literal["standard", "mean", "size", "none"]
    ]  # values reach it centred and scaled, divided by their mean or their mean size, or as they are
    lowest: ClassVar[float | None]  # the least target it can take; None: any

    def d_logits(self, width: int) -> int:
        """Return how many logits a prediction of `width` columns takes; two classes with a sigmoid always take one."""

    def fitted(self, target: np.ndarray, output: Any) -> Any:
        """Return itself with what it takes from the training rows' coded targets, such as class weights."""

    def compute(self, logits: Any, target: Any) -> Any:
        """Return the loss of each row, finite and not negative.

        Shape:
            logits: (rows, d_logits) float32
            target: (rows,) int64 codes where one of several labels is true, else (rows, d_logits) float32
            returns: (rows,)
        """

    def perfect(self, target: Any, d_logits: int) -> Any:
        """Return logits, (rows, d_logits), that say the truth: their loss is 0."""


@runtime_checkable
class Optimiser(Protocol):
    """How a gradient moves the weights. Frozen dataclass. Called by: the training loop."""

    name: ClassVar[str]

    def start(self, named: Any, weight_decay: float, momentum: float) -> Any:
        """Return an object over named parameters whose `step(learning_rate)` moves them and drops their gradients."""


@runtime_checkable
class Schedule(Protocol):
    """How the learning rate runs over a training. Frozen dataclass. Called by: the training loop, before every step."""

    name: ClassVar[str]

    def factor(self, progress: float) -> float:
        """Return the rate as a share, in [0, 1], of the learning rate, at `progress` in [0, 1] of the steps or the clock."""


@runtime_checkable
class Calibrator(Protocol):
    """Learns from predictions for rows a model was not fitted on, and what happened there, to correct later predictions.

    Frozen dataclass. Called by: finalize, before the seal is opened; models, after every prediction.
    """

    name: ClassVar[str]
    families: ClassVar[tuple[str, ...]]  # families of outputs it can correct

    def fit(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Any:
        """Return itself, fitted. Shape: truth (rows,) codes; prediction (rows, n_labels) probabilities; weights (rows,) or None.

        Weights are given only where rows weigh differently; a row of weight 0 is not heard.
        """

    def correct(self, prediction: np.ndarray) -> np.ndarray:
        """Return corrected predictions of the same shape; rows do not depend on each other."""

    def to_dict(self) -> dict[str, Any]:
        """Return what was fitted as plain data."""


@runtime_checkable
class Explainer(Protocol):
    """A way to share a model's number out among the columns of a row. Frozen dataclass. Called by: explain, and `/explain`."""

    name: ClassVar[str]
    title: ClassVar[str]  # as written in reports: "tree SHAP"

    def declines(self, predictor: Any) -> str:
        """Return why it cannot explain a predictor ("it has no trees"); "" where it can."""

    def explain(
        self, predictor: Any, rows: Any, background: Any, *, output: int, which: np.ndarray, seed: int
    ) -> Explanation:
        """Return what each column of `rows` adds to column `which[row]` of one output's prediction, on a scale it names.

        Encoded columns are summed to the columns of the table; `background` rows are what "without a column" means.

        Args:
            output: position of the output.

        Shape:
            which: (rows,) int64, columns of the output's prediction

        Raises:
            MissingExtra: a package it needs is not installed.
        """


class Check(Protocol):
    """A check: one file, one code. Its docstring is its section in the docs: what, Formula, Why, Remedy.

    `run` names what it needs as keyword arguments (table, problem, split, roles, …); the step passes those it has, and a
    check whose needs are not met is `skipped`, with the missing name as the reason.
    """

    name: ClassVar[str]
    code: ClassVar[str]
    title: ClassVar[str]
    step: ClassVar[str]
    severity: ClassVar[Severity]  # the worst it fires with
    # A check of explore may also have `excludes = True`: it runs first, and a fired finding whose evidence has "exclude":
    # [columns] keeps these from every model.

    def run(
        self, *args: Any, **needs: Any
    ) -> list[Finding]: ...  # keyword-only in fact: `def run(self, *, table, problem)`


class Search(Protocol):
    """A search over candidates, asked and told. Called by: refine."""

    name: ClassVar[str]

    def ask(self) -> Any:
        """Return the next trial to run, or None when the search has nothing more to ask."""

    def tell(self, trial: Any, score: float) -> None:
        """Take the score of a trial (greater is better)."""


@runtime_checkable
class Design(Protocol):
    """A way to deal traffic to arms and to reach a verdict. Frozen dataclass: its fields are its settings.

    Called by: experiment (plan, start: `phases`; verdict: `verdict`). Knows no log: it is handed what was measured.
    """

    name: ClassVar[str]
    title: ClassVar[str]  # as written in reports: "A/B test"
    identical: ClassVar[bool]  # all arms must be one system: a difference is a fault of engineering
    # A design may also have `most_arms: ClassVar[int]`; without it a plan may have any number of arms, two or more.

    def phases(self, shares: Mapping[str, float]) -> tuple[Phase, ...]:
        """Return the phases in order; `shares` are the plan's, the control first."""

    def verdict(self, judged: Sequence[Judged]) -> Verdict:
        """Return what follows from the phases judged so far, in order; a mismatch of the sample ratio is named first."""
