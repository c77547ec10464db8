"""Versions: the model that is served, the same candidate fitted anew, and the same weights fitted further, on the same newest rows.

Knows rows in the order of time and which of them are served rows. Which version is written, and what is said of it, is
`steps.online.refresh`'s.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.candidate import Blend, Fitted, Predictor, calibrated, corrected, fit, mixed, original_scale
from fieldguide.core.continuing import can_continue, continued, continued_by, members_of, why_not
from fieldguide.core.contracts import Effort, Metric, Predictions, Roles
from fieldguide.core.errors import StudyError
from fieldguide.core.evaluate import evaluate, refit_steps, stopping_rows
from fieldguide.core.leaderboard import readable
from fieldguide.core.model import Model, read_losses
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.score import compare, score
from fieldguide.core.settings import with_values
from fieldguide.core.split import Fold
from fieldguide.core.table import Table, row_keys
from fieldguide.parts import find, modality


@dataclass(frozen=True)
class Material:
    """Rows to train on, the oldest first.

    Args:
        n_earlier: how many of them come from before the log.

    Shape:
        blocks, times: (rows,)
    """

    table: Table
    rows: Rows
    blocks: np.ndarray
    times: np.ndarray
    n_earlier: int

    @property
    def served(self) -> np.ndarray:
        """The rows that were served, as indices."""
        return np.arange(self.n_earlier, len(self.rows))


@dataclass(frozen=True)
class Trained:
    """One way to train a version: on the rows before the window to be judged, then on all.

    Args:
        answers: what it says of the window's rows, as the metric reads it.
        steps: per member, the best step counts of the fit that was judged.
        n_fit: rows that fit saw.
        seconds: it took [s].
    """

    answers: np.ndarray
    steps: tuple[tuple[int, ...], ...]
    n_fit: int
    seconds: float


def outputs_of(model: Model, metric: Metric) -> tuple[Output, ...]:
    """Return the outputs, which are all retrained, with the losses their model was trained for.

    Args:
        metric: of the first output, by which versions are compared.

    Raises:
        StudyError: one of them is a loss of one's own.
    """
    losses = [None] * len(model.outputs) if model.folder is None else read_losses(model.folder)
    judges = [metric, *(find("metrics", output.task.metrics[0])() for output in model.outputs[1:])]
    return tuple(
        replace(output, metric=judge, loss=_loss(said)) for output, judge, said in zip(model.outputs, judges, losses)
    )  # fmt: skip


def _loss(said: Mapping[str, Any] | None) -> Any:
    if said is None:
        return None
    if ":" in said["name"]:
        raise StudyError(
            f"the model was trained for the loss {said['name']}, which is code of your own", rule="no code that a model folder names is run",
            found=f"problem.loss: {said['name']}",
            do="retrain in the study: fieldguide run, on a table made by fieldguide join --from-log",
        )  # fmt: skip
    return with_values(find("losses", said["name"])(), said["settings"])


def from_scratch(
    model: Model, outputs: tuple[Output, ...], material: Material, window: np.ndarray, seed: int, threads: int
) -> Trained:
    """Fit the candidate anew, transform included, on the rows before the window."""
    began = time.perf_counter()
    members, weights = members_of(model.predictor), weights_of(model.predictor)
    train = np.arange(window[0])
    raws: list[Predictions] = []
    steps: list[tuple[int, ...]] = []
    n_fit = len(train)
    for member in members:
        found = evaluate(
            member.candidate, material.rows, [Fold(train, window)], outputs, roles=roles_of(material),
            splitter=find("splitters", "chronological")(), modalities=modality, effort=Effort(seed, threads),
        )  # fmt: skip
        raws.append(found.predictions)
        steps.append(found.n_steps)
        n_fit = found.n_fit
    answered = corrected(original_scale(mixed(raws, weights), outputs), calibrators_of(model.predictor))[0]
    return Trained(_read(model, outputs, answered), tuple(steps), n_fit, time.perf_counter() - began)


def from_weights(
    model: Model, outputs: tuple[Output, ...], material: Material, window: np.ndarray, seed: int, threads: int
) -> Trained | str:
    """Fit what is served further on the served rows before the window; or say why that cannot be done."""
    if why := why_not(model.predictor):
        return why
    began = time.perf_counter()
    train = material.served[material.served < window[0]]
    members, steps, n_fit = _continued(model.predictor, outputs, material, train, None, seed, threads)
    part = material.rows.take(window)
    answered = continued_by(members, model.predictor).predict(part.cells, len(part))[0]
    return Trained(_read(model, outputs, answered), steps, n_fit, time.perf_counter() - began)


def as_it_is(model: Model, outputs: tuple[Output, ...], material: Material, window: np.ndarray) -> np.ndarray:
    """Return what the served version says of the window's rows, as the metric reads it."""
    part = material.rows.take(window)
    return _read(model, outputs, model.predictor.predict(part.cells, len(part))[0])


def refitted(
    model: Model, outputs: tuple[Output, ...], material: Material, trained: Trained, warm: bool, seed: int, threads: int
) -> Predictor:
    """Return the version fitted on all rows, for as many steps as were best before the window."""
    if warm:
        members, _, _ = _continued(model.predictor, outputs, material, material.served, trained, seed, threads)
        return continued_by(members, model.predictor)
    fitted = []
    for member, steps in zip(members_of(model.predictor), trained.steps):
        n = refit_steps(member.candidate.learner, steps, trained.n_fit, len(material.rows))
        fitted.append(
            fit(member.candidate, material.rows, None, outputs, modality, Effort(seed, threads, n_steps=n))[0]
        )
    predictor: Predictor = fitted[0] if len(fitted) == 1 else Blend(tuple(fitted), weights_of(model.predictor))
    return calibrated(predictor, calibrators_of(model.predictor))


def judged(
    metric: Metric, material: Material, window: np.ndarray, answers: Mapping[str, np.ndarray], seed: int
) -> dict[str, Any]:
    """Return the score of each version on the window, and the paired difference of every two of them.

    Args:
        answers: by version, in the order in which a later one is compared with an earlier one.

    Shape:
        answers[version]: as the metric reads it, (window,) or (window, labels)
    """
    truth, blocks = material.rows.take(window).truths[0], material.blocks[window]
    scores = {}
    for name, read in answers.items():
        value, interval = score(metric, truth, read, blocks, seed)
        scores[name] = {"value": value, "interval": list(interval)}
    names = list(answers)
    pairs = [
        {"of": one, "to": other, **compare(metric, truth, answers[one], answers[other], blocks, seed).to_dict()}
        for i, other in enumerate(names) for one in names[i + 1 :]
    ]  # fmt: skip
    return {"scores": scores, "differences": pairs}


def members_in_words(predictor: Predictor) -> dict[str, list[str]]:
    """Return which members a warm start fits further, and which it leaves as they are."""
    members = members_of(predictor)
    return {
        "continued": [member.candidate.name for member in members if can_continue(member)],
        "kept": [member.candidate.name for member in members if not can_continue(member)],
    }


def weights_of(predictor: Predictor) -> tuple[float, ...]:
    """Return the weights of a predictor's members."""
    return predictor.weights if isinstance(predictor, Blend) else (1.0,)


def calibrators_of(predictor: Predictor) -> tuple[Any, ...]:
    """Return what corrects a predictor's probabilities, one per output; empty: nothing."""
    return predictor.calibrators if isinstance(predictor, Blend) else ()


def roles_of(material: Material) -> Roles:
    """Return what splitters read of the rows."""
    return Roles(row_keys(material.table.frame), material.blocks, material.times, None)


def _continued(
    predictor: Predictor, outputs: tuple[Output, ...], material: Material, train: np.ndarray, done: Trained | None, seed: int,
    threads: int,
) -> tuple[list[Fitted], tuple[tuple[int, ...], ...], int]:  # fmt: skip
    """Fit members further: with early stopping on the latest rows, or for the steps that were `done` before."""
    members: list[Fitted] = []
    steps: list[tuple[int, ...]] = []
    n_fit = len(train)
    splitter, roles = find("splitters", "chronological")(), roles_of(material)
    for number, member in enumerate(members_of(predictor)):
        rows, stop, n = train, None, None
        if done is None:
            inside, held = stopping_rows(member.candidate, np.arange(len(train)), roles.take(train), splitter)
            rows, stop = train[inside], None if held is None else material.rows.take(train[held])
        elif can_continue(member):
            (best,) = done.steps[number]
            n = 0 if best == 0 else refit_steps(member.candidate.learner, (best,), done.n_fit, len(train))
        effort = Effort(seed, threads, n_steps=n)
        members.append(continued(member, material.rows.take(rows), stop, effort, outputs))
        steps.append((members[-1].estimator.n_steps or 0,) if can_continue(member) else ())
        n_fit = len(rows) if can_continue(member) else n_fit
    return members, tuple(steps), n_fit


def changed(trained: Trained) -> bool:
    """Whether a warm start took any step at all."""
    return any(n for steps in trained.steps for n in steps)


def _read(model: Model, outputs: Sequence[Output], answered: np.ndarray) -> np.ndarray:
    metric = outputs[0].metric
    assert metric is not None
    return readable(outputs[0], answered, metric, model.thresholds[0])
