"""Candidates: complete answers as plain values, and what fitting one on rows gives.

Knows recipe + learner + settings, blends of several, and the way from cells to predictions on the original scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from fieldguide.core.balance import balanced
from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Estimator, Learner, Predictions
from fieldguide.core.problem import Output
from fieldguide.core.rows import Kept, Rows
from fieldguide.core.seeds import generator
from fieldguide.core.settings import values_of, with_values
from fieldguide.core.transform import Modalities, Recipe, Transform


@dataclass(frozen=True)
class Candidate:
    """A recipe and a learner with its settings; a baseline is one too.

    Args:
        name: unique in a study: "boosting", "tabm", "trial 12".
        learner: the learner object, settings inside.
        recipe: how columns are encoded for it.
    """

    name: str
    learner: Learner
    recipe: Recipe

    @staticmethod
    def of(name: str, learner: Learner, recipe: Mapping[str, Any] | None = None) -> Candidate:
        """Return a candidate with the learner's own recipe, changed where `recipe` says so."""
        return Candidate(name, learner, with_values(Recipe(), {**learner.recipe, **(recipe or {})}))

    @property
    def kind(self) -> str:
        return self.learner.kind

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name, "kind": self.kind, "learner": self.learner.name,
            "settings": values_of(self.learner), "recipe": values_of(self.recipe),
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any], find: Callable[[str, str], Any]) -> Candidate:
        learner = with_values(find("learners", data["learner"])(), data["settings"])
        return Candidate(data["name"], learner, with_values(Recipe(), data["recipe"]))


class Predictor(Protocol):
    """Anything that answers rows: a fitted candidate or a blend of several."""

    @property
    def outputs(self) -> tuple[Output, ...]: ...

    def raw(self, cells: Mapping[str, np.ndarray], n_rows: int) -> Predictions:
        """Return predictions on the scale the learners fit."""

    def predict(self, cells: Mapping[str, np.ndarray], n_rows: int) -> Predictions:
        """Return predictions on the original scale."""


@dataclass(frozen=True)
class Fitted:
    """A candidate fitted on rows: its transform and its estimator.

    Args:
        n_fit: rows it was fitted on, before classes were balanced; fewer than there were where the learner cannot take as many;
            0: loaded, not fitted here.
    """

    candidate: Candidate
    transform: Transform
    estimator: Estimator
    outputs: tuple[Output, ...]
    n_fit: int = 0

    def raw(self, cells: Mapping[str, np.ndarray], n_rows: int) -> Predictions:
        if isinstance(cells, Kept):  # rows on disk are answered slice by slice
            parts = [self.raw(part, len(next(iter(part.values())))) for part in cells.slices()]
            return tuple(np.concatenate(answers) for answers in zip(*parts, strict=True))
        return self.estimator.predict(self.transform.encode(cells, n_rows))

    def predict(self, cells: Mapping[str, np.ndarray], n_rows: int) -> Predictions:
        return original_scale(self.raw(cells, n_rows), self.outputs)


@dataclass(frozen=True)
class Blend:
    """A weighted mean of predictors, taken on the scale the learners fit, and what corrects its probabilities.

    Args:
        calibrators: one per output, None where nothing is corrected; empty: nothing is.
    """

    members: tuple[Fitted, ...]
    weights: tuple[float, ...]
    calibrators: tuple[Any, ...] = ()

    @property
    def outputs(self) -> tuple[Output, ...]:
        return self.members[0].outputs

    def raw(self, cells: Mapping[str, np.ndarray], n_rows: int) -> Predictions:
        return mixed([member.raw(cells, n_rows) for member in self.members], self.weights)

    def predict(self, cells: Mapping[str, np.ndarray], n_rows: int) -> Predictions:
        return corrected(original_scale(self.raw(cells, n_rows), self.outputs), self.calibrators)


def calibrated(predictor: Predictor, calibrators: tuple[Any, ...]) -> Predictor:
    """Return a predictor whose probabilities are corrected; itself where there is nothing to correct with."""
    if not any(calibrator is not None for calibrator in calibrators):
        return predictor
    if isinstance(predictor, Blend):
        return Blend(predictor.members, predictor.weights, calibrators)
    assert isinstance(predictor, Fitted)
    return Blend((predictor,), (1.0,), calibrators)


def corrected(predictions: Predictions, calibrators: tuple[Any, ...]) -> Predictions:
    """Return predictions on the original scale as calibrators correct them; no rows are left alone."""
    if not calibrators or not len(predictions[0]):
        return predictions
    return tuple(p if c is None else c.correct(p) for p, c in zip(predictions, calibrators, strict=True))


def mixed(predictions: list[Predictions], weights: tuple[float, ...]) -> Predictions:
    """Return the weighted mean of several predictions, output by output."""
    return tuple(np.sum([w * p[i] for w, p in zip(weights, predictions)], axis=0) for i in range(len(predictions[0])))


def original_scale(predictions: Predictions, outputs: tuple[Output, ...]) -> Predictions:
    """Return predictions on the original scale from those on the scale the learners fit."""
    return tuple(p if o.task.family == "classes" else o.from_fit(p) for p, o in zip(predictions, outputs))


@dataclass(frozen=True)
class Encodings:
    """Encodings of one set of training rows, kept so that candidates that share a recipe share the work."""

    kept: dict[Recipe, tuple[Transform, Batch, Batch | None, Batch | None]]
    limit: int = 4

    def of(
        self, recipe: Recipe, train: Rows, stop: Rows | None, judged: Rows | None, modalities: Modalities
    ) -> tuple[Transform, Batch, Batch | None, Batch | None]:
        if recipe not in self.kept:
            transform = Transform.fit(recipe, train, modalities)
            encoded = [
                None if rows is None else transform.encode(rows.cells, len(rows)) for rows in (train, stop, judged)
            ]
            while len(self.kept) >= self.limit:
                del self.kept[next(iter(self.kept))]
            self.kept[recipe] = (transform, encoded[0], encoded[1], encoded[2])  # type: ignore[assignment]
        return self.kept[recipe]


def fit(
    candidate: Candidate, train: Rows, stop: Rows | None, outputs: tuple[Output, ...], modalities: Modalities, effort: Effort,
    encodings: Encodings | None = None, judged: Rows | None = None,
) -> tuple[Fitted, Batch | None]:  # fmt: skip
    """Fit a candidate: the transform and the learner see `train`; early stopping sees `stop`; nothing else is seen.

    A learner that can take only so many rows (`in_memory`) gets a random sample of them; `Fitted.n_fit` says how many. Of rows on
    disk, the transform reads a column at a time and its statistics are exact; what is encoded lies on disk as well, and a
    learner takes blocks of it.

    Returns:
        the fitted candidate, and `judged` encoded by its transform (None where it was not given).
    """
    transform, batch, stop_batch, judged_batch = (encodings or Encodings({})).of(
        candidate.recipe, train, stop, judged, modalities
    )
    training, stopping = balanced(
        encode(batch, train, outputs, candidate.learner),
        None if stop is None or stop_batch is None else encode(stop_batch, stop, outputs, candidate.learner),
        outputs[0], candidate.recipe.balance, effort.seed,
    )  # fmt: skip
    most = candidate.learner.in_memory
    training = sampled(training, most, effort.seed)
    seen = tuple(output if _minimises(candidate.learner, output) else output.plainly() for output in outputs)
    estimator = candidate.learner.fit(training, stopping, seen, effort)
    n_fit = len(train) if most is None else min(len(train), most)  # what balancing repeats or leaves out does not count
    return Fitted(candidate, transform, estimator, outputs, n_fit), judged_batch


def sampled(train: Encoded, most: int | None, seed: int) -> Encoded:
    """Return the rows, or of more than `most` a random sample in their order."""
    if most is None or len(train) <= most:
        return train
    return train.take(np.sort(generator(seed, "in memory").permutation(len(train))[:most]))


def encode(batch: Batch, rows: Rows, outputs: tuple[Output, ...], learner: Learner) -> Encoded:
    """Return a batch with the rows' targets on the scale the learner fits: plain numbers where it cannot minimise the task's loss."""
    targets = tuple(
        truth
        if output.task.family == "classes"
        else output.to_fit(truth if _minimises(learner, output) else output.plain(truth))
        for truth, output in zip(rows.truths, outputs)
    )
    return Encoded(batch, targets, rows.weights, rows.blocks)


def _minimises(learner: Learner, output: Output) -> bool:
    """Whether a learner takes the task's own codes: networks minimise any loss, others say which."""
    return not output.codes_more or learner.kind == "network" or output.task.loss in getattr(learner, "losses", ())
