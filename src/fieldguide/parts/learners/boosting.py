"""Gradient-boosted trees by LightGBM: numbers as they are, missing as missing, categories as sets.

Knows LightGBM's settings and when to stop; nothing of columns, metrics or judging. One booster per output; label sets and
vectors are `_columns`'.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort, Estimator
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners import _word_scores
from fieldguide.parts.learners._boosters import Booster, BoostingEstimator, Link, columns, load_boosters
from fieldguide.parts.learners._columns import by_column, grouped
from fieldguide.parts.learners._lightgbm import Dataset, Sides, Training, Trees, parameters
from fieldguide.parts.learners._objective import class_weights, minimised
from fieldguide.parts.learners._ordered_trees import Levels, OrderedTraining, parts_of

OBJECTIVES: dict[str, tuple[str, str, Link]] = {  # a task's loss: LightGBM's objective, its metric, score to prediction
    "binary_cross_entropy": ("binary", "binary_logloss", "sigmoid"),
    "cross_entropy": ("multiclass", "multi_logloss", "softmax"),
    "squared_error": ("regression", "l2", "identity"),
    "absolute_error": ("regression_l1", "l1", "identity"),
    "pinball": ("quantile", "quantile", "identity"),
    "poisson": ("poisson", "poisson", "exp"),
    "huber": ("huber", "huber", "identity"),
    "ordinal": ("none", "none", "cumulative"),  # its gradients are `_ordered_trees`'
}
CURVE_STEPS = 10  # rounds between two points of the learning curve
UNSTOPPED = 10.0  # without early-stopping rows: rounds × learning rate, as in LightGBM's defaults (100 × 0.1)
FEWEST_COLUMNS = 4  # a tree that sees fewer cannot tell how columns act together
MORE = 0.5  # rounds that are added at most to trees that are continued, as a share of theirs
LEAST_MORE = 10  # and how many in any case
MOST_AT_ONCE = 500_000  # rows that are put side by side whole
AHEAD = 8  # rounds whose longest is taken as the length of the next
ENOUGH = 6.0  # rounds × rate that learn most of what there is
FASTEST = 0.3  # the highest rate that a lack of time asks for
DEAR = 0.2  # share of the time for a fit that a first round may take for others to be timed
TIMED_ROWS = 200_000  # rows on which rounds are timed; of more, time goes with their number
TIMED = 3  # rounds after the first, which also bins the rows, that tell how long one takes


@dataclass(frozen=True)
class Boosting:
    """Gradient-boosted decision trees with early stopping.

    Rounds stop when the loss on the early-stopping rows has not fallen for `patience` rounds, or when the clock would
    run out during the next; the best round so far is kept. Without such rows the rounds follow the learning rate. Ordered labels
    are grown by the gradient of the cumulative logit: one tree a round, and cuts between levels that follow the scores.

    Source:
        Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.

    Examples:
        >>> Boosting().learning_rate
        0.05
    """

    name: ClassVar[str] = "boosting"
    kind: ClassVar[Literal["boosting"]] = "boosting"
    stops_early: ClassVar[bool] = True
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "none", "missing": "keep", "media": "sparse"}
    losses: ClassVar[tuple[str, ...]] = (*OBJECTIVES, "weighted")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "long": {"stops_on": "any"},
        "free levels": {"order": "free"},
        "bagged": {"num_leaves": 64, "feature_fraction": 0.75, "bagging_fraction": 0.8, "min_data_in_leaf": 3},
        "linear leaves": {
            "linear_leaves": True,
            "min_data_in_leaf": 10,
            "feature_fraction": 1.0,
            "lambda_linear": 10.0,
        },
        "deep": {"num_leaves": 127, "learning_rate": 0.03, "path_smooth": 10.0},
        "smooth": {"learning_rate": 0.03, "path_smooth": 10.0},
        "small": {"num_leaves": 8, "learning_rate": 0.05},
        "extra": {"num_leaves": 63, "min_data_in_leaf": 3, "feature_fraction": 1.0, "extra_trees": True},
    }

    n_rounds: int = setting(2000, "the most rounds; early stopping ends sooner", capacity=1)
    learning_rate: float = setting(
        0.05, "share of each tree that is kept", capacity=1, space=Range(0.02, 0.1, log=True)
    )
    num_leaves: int = setting(31, "leaves of a tree", capacity=1, space=Range(8, 160, log=True, integer=True))
    min_data_in_leaf: int = setting(
        20,
        "the fewest rows of a leaf [rows], at most a tenth of all",
        capacity=-1,
        space=Range(4, 100, log=True, integer=True),
    )
    feature_fraction: float = setting(
        0.5, "share of columns a tree sees, and never fewer than four columns", capacity=1, space=Range(0.4, 1.0)
    )
    bagging_fraction: float = setting(1.0, "share of rows a tree sees", capacity=1, space=Range(0.6, 1.0))
    lambda_l1: float = setting(0.0, "L1 penalty on leaf values", capacity=-1)
    lambda_l2: float = setting(0.0, "L2 penalty on leaf values", capacity=-1, space=Range(1e-3, 10.0, log=True))
    min_gain: float = setting(0.0, "the least loss a split must save", capacity=-1)
    max_bin: int = setting(255, "bins of a number", capacity=1)
    cat_smooth: float = setting(10.0, "pseudo rows that pull a category's statistics together [rows]", capacity=-1,
                                space=Range(1.0, 100.0, log=True))  # fmt: skip
    path_smooth: float = setting(
        0.0, "pseudo rows that pull a leaf to its parent [rows]", capacity=-1, space=Choice((0.0, 1.0, 10.0))
    )
    extra_trees: bool = setting(False, "draw one threshold per column instead of searching the best", capacity=-1,
                                space=Choice((False, True)))  # fmt: skip
    linear_leaves: bool = setting(False, "a leaf holds a line in its numbers instead of a constant", capacity=1)
    lambda_linear: float = setting(1.0, "L2 penalty on the lines of leaves", capacity=-1)
    stops_on: str = setting(
        "latest", "along time: rounds stop on the latest training rows, or on any; after a shift the latest end them too soon",
        capacity=1,
    )  # fmt: skip
    order: str = setting(
        "shared", "ordered labels: 'shared' grows one tree a round for all levels, 'free' one for each, as for classes",
        capacity=0,
    )  # fmt: skip
    hurry: float = setting(
        1.0,
        "times the learning rate: above 1 where rounds were timed and the clock would end them too soon",
        capacity=1,
    )
    patience: int = setting(50, "rounds without a lower loss before stopping")
    quantile: float = setting(0.5, "the quantile a pinball loss aims at")

    @property
    def rate(self) -> float:
        """Share of each tree that is kept, in haste or not."""
        return self.learning_rate * self.hurry

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Estimator:
        """Grow one booster per output, and for label sets and vectors one per label or entry.

        Of rows with terms, a score of each text column is learned first (`_word_scores`) and stands beside the numbers.
        """
        if not train.batch.layout.n_terms:
            return by_column(self.fit_singles, train, stop, outputs, effort)
        return _word_scores.fit(partial(by_column, self.fit_singles), train, stop, outputs, effort)

    def paced(self, train: Encoded, outputs: tuple[Any, ...], seconds: float, threads: int) -> Self:
        """Return the learner with the haste that `seconds` for one fit ask for, so that a fit the clock ends has learned something.

        A few rounds are timed. Where `ENOUGH` is out of reach at the learning rate itself, the rate rises, to `FASTEST` at most.
        """
        plain = replace(self, hurry=1.0)
        if self.learning_rate >= FASTEST:
            return plain
        if train.batch.layout.n_terms:
            began = time.monotonic()
            _, train, _ = _word_scores.learned(train, outputs, 0, Clock.of(_word_scores.SHARE * seconds))
            seconds -= time.monotonic() - began
        wanted, times = ENOUGH / self.learning_rate, max(1.0, len(train) / TIMED_ROWS)
        if times > 1:
            train = train.take(np.linspace(0, len(train) - 1, TIMED_ROWS).astype(np.int64))

        def taken(n_rounds: int) -> float:
            began = time.monotonic()
            plain.fit(train, None, outputs, Effort(0, threads, n_steps=n_rounds))
            return times * (time.monotonic() - began)

        first = taken(1)
        if seconds > wanted * first:
            return plain
        highest = FASTEST / self.learning_rate
        if first > DEAR * seconds:
            return replace(self, hurry=highest)
        a_round = max(1e-6, (taken(1 + TIMED) - first) / TIMED)
        n_rounds = max(1.0, (seconds - first) / a_round)
        return replace(self, hurry=round(min(max(1.0, wanted / n_rounds), highest), 2))

    def continued(
        self, estimator: Any, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
    ) -> Estimator:
        """Grow further trees on what earlier ones leave over; `n_steps` counts those that were added, perhaps none."""
        if isinstance(estimator, _word_scores.WordedEstimator):
            go_on = partial(self.continued, estimator.inner)
            return _word_scores.continued(go_on, estimator.scores, train, stop, outputs, effort)
        return by_column(partial(self.fit_singles, after=estimator.boosters), train, stop, outputs, effort)

    def fit_singles(
        self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort, after: tuple[Booster, ...] = (),
    ) -> BoostingEstimator:  # fmt: skip
        """Grow one booster per output, each within an equal share of the time that is left.

        Args:
            after: boosters that are continued, one per output; none: each begins anew.

        Shape:
            train.batch.numbers: (rows, n_numbers) float32, NaN for missing
            train.batch.codes: (rows, n_codes) int32
        """
        x, x_stop = _sides(train.batch), None if stop is None or not len(stop) else _sides(stop.batch)
        grown = []
        for i, output in enumerate(outputs):
            name = minimised(output, OBJECTIVES)
            chosen = output.loss if name != output.task.loss else None
            name = "cross_entropy" if name == "ordinal" and self.order == "free" else name
            weights = class_weights(output, train.targets[i], train.weights)
            coded = _Coded.of(name, train.targets[i], output.width, train.weights, after[i] if after else None)
            settings = replace(self, quantile=chosen.quantile) if name == "pinball" and chosen is not None else self
            delta = chosen.delta if name == "huber" and chosen is not None else 1.0
            task = _Task(settings, output.name, coded, train.batch.layout.codes, effort, delta)
            y_stop = None if x_stop is None or stop is None else coded.code(stop.targets[i])
            w_stop = None if stop is None else class_weights(output, stop.targets[i], stop.weights)
            clock = effort.clock.share(1 / (len(outputs) - i))
            grown.append(task.grow(x, weights, x_stop, y_stop, w_stop, clock, after[i] if after else None))
        return BoostingEstimator(
            boosters=tuple(booster for booster, _, _, _ in grown),
            n_steps=int(np.median([n for _, n, _, _ in grown])),
            stopped=min((why for _, _, why, _ in grown), key=("clock", "steps", "early").index),
            history=[point for _, _, _, points in grown for point in points],
        )

    def load(self, folder: Path, data: Mapping[str, Any]) -> Estimator:
        """Return what `save` wrote. LightGBM's text holds numbers only; anything else is refused.

        Raises:
            ModelError: a file is missing or is not a LightGBM model of the stated number of columns.
        """
        plain = grouped(load_boosters(folder, data), data)
        if not data.get("words"):
            return plain
        scores = _word_scores.WordScores.load(folder, data["words"])
        return _word_scores.WordedEstimator(scores, plain, data["stopped"])


@dataclass(frozen=True)
class _Coded:
    """A target as LightGBM takes it: class codes, or values of mean 0 and spread 1 (penalties then mean the same)."""

    loss: str
    y: np.ndarray
    n_classes: int
    centre: float = 0.0
    scale: float = 1.0

    @staticmethod
    def of(
        loss: str, target: np.ndarray, width: int, weights: np.ndarray | None, after: Booster | None = None
    ) -> _Coded:
        """Code a target; for a booster that is continued as it was coded when that was grown."""
        y = np.asarray(target, np.float64).reshape(-1)
        if after is not None and OBJECTIVES[loss][2] == after.link == "identity":
            coded = _Coded(loss, y, 1, after.centre, after.scale)
            return replace(coded, y=coded.code(y))
        if OBJECTIVES[loss][2] != "identity":
            return _Coded(loss, y, width if OBJECTIVES[loss][2] in ("softmax", "cumulative") else 1)
        centre = float(np.average(y, weights=weights))
        spread = float(np.sqrt(np.average((y - centre) ** 2, weights=weights)))
        coded = _Coded(loss, y, 1, centre, spread if spread > 0 else 1.0)
        return _Coded(loss, coded.code(y), 1, coded.centre, coded.scale)

    def code(self, target: np.ndarray) -> np.ndarray:
        return (np.asarray(target, np.float64).reshape(-1) - self.centre) / self.scale


@dataclass(frozen=True)
class _Task:
    """One booster to grow."""

    settings: Boosting
    output: str
    coded: _Coded
    codes: tuple[tuple[str, int], ...]
    effort: Effort
    delta: float = 1.0

    def grow(
        self, x: np.ndarray | Sides, weights: np.ndarray | None, x_stop: np.ndarray | Sides | None, y_stop: np.ndarray | None,
        w_stop: np.ndarray | None, clock: Clock, continues: Booster | None = None,
    ) -> tuple[Booster, int, str, list[dict[str, Any]]]:  # fmt: skip
        """Return the booster, its best round, why it stopped, and its learning curve; rounds are counted from those it continues."""
        said, after = self._parameters(*x.shape), continues.trees if continues else None
        data = Dataset(x, self.coded.y, weights, said, after=after)
        stop = None
        if x_stop is not None and y_stop is not None:
            stop = Dataset(x_stop, y_stop, w_stop, said, like=data, after=after)
        training = Training(data, stop, said, after)
        if self.coded.loss == "ordinal":
            rows = Levels.of(self.coded.y, weights)
            stopping = None if stop is None or y_stop is None else Levels.of(y_stop, w_stop)
            training = OrderedTraining(
                data, stop, said, after, rows=rows, stopping=stopping, n_labels=self.coded.n_classes,
                parts=parts_of(continues.cuts) if continues else None,
            )  # fmt: skip
        n_rounds = self._n_rounds(stop is not None, after) if self.effort.n_steps is None else self.effort.n_steps
        # What is continued has a loss already: no round at all may be the best.
        first = training.loss(of_stop=True) if after is not None and stop is not None else math.inf
        step, best, best_loss, stopped = 0, 0, first, "steps"
        points: list[dict[str, Any]] = []
        lengths: deque[float] = deque(maxlen=AHEAD)
        while step < n_rounds:
            if step and clock.left() < max(lengths):
                stopped = "clock"
                break
            began = time.monotonic()
            if not training.grow():
                stopped = "early"  # no split is left to make
                break
            step += 1
            loss = training.loss(of_stop=True) if stop is not None else -step
            if loss < best_loss:
                best, best_loss = step, loss
            if step % CURVE_STEPS == 0 or step == 1:
                points.append(self._point(step, training.loss(of_stop=False), None if stop is None else loss))
            lengths.append(time.monotonic() - began)
            if self.effort.n_steps is None and stop is not None and step - best >= self.settings.patience:
                stopped = "early"
                break
        kept = step if self.effort.n_steps is not None else best
        if after is None:
            kept = max(kept, 1)
        trees = after if after is not None and not kept else Trees(training.text(_rounds(after) + kept), x.shape[1])
        cuts = training.cuts(kept) if isinstance(training, OrderedTraining) else ()
        booster = Booster(trees, OBJECTIVES[self.coded.loss][2], self.coded.centre, self.coded.scale, cuts)
        return booster, kept, stopped, points

    def _n_rounds(self, stops: bool, after: Trees | None) -> int:
        if after is not None:
            return max(LEAST_MORE, round(MORE * after.n_rounds))
        if stops:
            return self.settings.n_rounds
        return min(self.settings.n_rounds, max(1, round(UNSTOPPED / self.settings.rate)))

    def _point(self, step: int, train: float, validation: float | None) -> dict[str, Any]:
        point = {"output": self.output, "step": step, "train": train, "validation": validation}
        if self.effort.watch is not None:
            self.effort.watch(point)
        return point

    def _parameters(self, n_rows: int, n_columns: int) -> bytes:
        s, (objective, metric, _) = self.settings, OBJECTIVES[self.coded.loss]
        said: dict[str, Any] = {
            "objective": objective, "metric": metric, "is_provide_training_metric": True, "verbosity": -1,
            "num_threads": self.effort.threads, "seed": self.effort.seed % 2**31, "deterministic": True,
            "force_row_wise": True, "learning_rate": s.rate, "num_leaves": s.num_leaves,
            "min_data_in_leaf": max(1, min(s.min_data_in_leaf, n_rows // 10)),
            "feature_fraction": max(s.feature_fraction, min(1.0, FEWEST_COLUMNS / n_columns)), "lambda_l1": s.lambda_l1, "lambda_l2": s.lambda_l2,
            "min_gain_to_split": s.min_gain, "max_bin": s.max_bin, "cat_smooth": s.cat_smooth,
            "path_smooth": s.path_smooth, "extra_trees": s.extra_trees,
        }  # fmt: skip
        sets_leaves_anew = objective in ("regression_l1", "quantile", "huber")  # as constants
        if s.linear_leaves and not sets_leaves_anew:
            said |= {"linear_tree": True, "linear_lambda": s.lambda_linear}
        if s.bagging_fraction < 1:
            said |= {"bagging_fraction": s.bagging_fraction, "bagging_freq": 1}
        if objective == "multiclass":
            said["num_class"] = self.coded.n_classes
        if objective == "quantile":
            said["alpha"] = s.quantile
        if objective == "huber":
            said["alpha"] = self.delta
        if self.codes:
            said["categorical_feature"] = ",".join(str(n_columns - len(self.codes) + i) for i in range(len(self.codes)))
        return parameters(said)


def _rounds(after: Trees | None) -> int:
    return 0 if after is None else after.n_rounds


def _sides(batch: Batch) -> np.ndarray | Sides:
    """Return rows to learn from: of many, LightGBM is handed a block at a time, and nothing is held but bins."""
    return Sides(batch.numbers, batch.codes) if len(batch) > MOST_AT_ONCE else columns(batch)
