"""The one evaluation: the only place where a fit on some rows meets other rows.

Baseline, train and refine all call it, so that preprocessing cannot leak and scores compare. Pure in its arguments.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.candidate import Candidate, Encodings, Fitted, fit
from fieldguide.core.contracts import Effort, Learner, Predictions, Roles, Splitter
from fieldguide.core.errors import SplitError
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import seed_for
from fieldguide.core.split import Fold, held_share
from fieldguide.core.transform import Modalities


@dataclass(frozen=True)
class Evaluation:
    """What a candidate did on rows it was not fitted on.

    Shape:
        rows: (judged,) development row indices, sorted
        predictions[i]: (judged, width) on the scale the learner fits, averaged over repeats

    Args:
        n_fit: training rows per fold (mean), without the early-stopping rows.
        n_steps: best step count per fold, empty where there are no steps.
        stopped: how training ended, per fold ("early", "steps", "clock", "").
        history: learning curve of the first fold.
        seconds: fitting time, all folds [s].
        fitted: the last fold's fitted candidate, for measuring size and latency (not stored).
        n_folds: folds that were run; a clock may leave out later repeats.
    """

    candidate: Candidate
    rows: np.ndarray
    predictions: Predictions
    n_fit: int
    n_steps: tuple[int, ...]
    stopped: tuple[str, ...]
    history: tuple[dict[str, Any], ...]
    seconds: float
    fitted: Fitted | None = None
    n_folds: int = 1


def evaluate(
    candidate: Candidate, rows: Rows, folds: Sequence[Fold], outputs: tuple[Output, ...], *, roles: Roles, splitter: Splitter,
    modalities: Modalities, effort: Effort, caches: dict[tuple[int, str], Encodings] | None = None,
) -> Evaluation:  # fmt: skip
    """Fit the candidate on each fold's training rows and predict its validation rows.

    Early-stopping rows are taken from the training rows by the same splitter, so they obey the same groups and times.

    Args:
        rows: development rows; `folds` index into them.
        effort: clock and threads for all folds together; the clock is shared out evenly among the folds of the first
            repeat, each of which is run however late it is, and further repeats take what is left.
        caches: encodings by fold number, to be shared between candidates evaluated on the same folds.

    Raises:
        SplitError: a validation row is also a training row (the folds are wrong).
    """
    total: list[np.ndarray] = []
    times_judged = np.zeros(len(rows))
    steps: list[int] = []
    stopped: list[str] = []
    sizes: list[int] = []
    history: tuple[dict[str, Any], ...] = ()
    fitted: Fitted | None = None
    seconds = 0.0
    first = [number for number, fold in enumerate(folds) if fold.repeat == folds[0].repeat]
    for number, fold in enumerate(folds):
        _refuse_shared(fold, number)
        begun = time.perf_counter()
        if number not in first and effort.clock.left() < 1.2 * seconds / len(sizes):
            break  # a further repeat is only begun when it can be finished
        share = effort.clock.share(1 / (len(first) - number)) if number in first[:-1] else effort.clock
        train, stop = stopping_rows(candidate, fold.train, roles, splitter)
        fitted, batch = fit(
            candidate, rows.take(train), None if stop is None else rows.take(stop), outputs, modalities,
            replace(effort, clock=share, seed=seed_for(effort.seed, "fold", number)),
            None if caches is None else caches.setdefault((number, stops_on(candidate.learner)), Encodings({})),
            rows.take(fold.validation),
        )  # fmt: skip
        seconds += time.perf_counter() - begun
        predictions = fitted.estimator.predict(batch)
        if not sizes:
            # How wide an answer is, says whoever answers: how many groups a candidate finds is its own affair.
            total = [np.zeros((len(rows), predicted.shape[1])) for predicted in predictions]
        for sums, predicted in zip(total, predictions):
            sums[fold.validation] += predicted
        times_judged[fold.validation] += 1
        sizes.append(fitted.n_fit)
        stopped.append(fitted.estimator.stopped)
        if fitted.estimator.n_steps is not None:
            steps.append(fitted.estimator.n_steps)
        if number == 0:
            history = tuple(fitted.estimator.history)
    judged = np.flatnonzero(times_judged)
    return Evaluation(
        candidate, judged, tuple(sums[judged] / times_judged[judged, None] for sums in total), int(np.mean(sizes)), tuple(steps),
        tuple(stopped), history, seconds, fitted, len(sizes),
    )  # fmt: skip


def _refuse_shared(fold: Fold, number: int) -> None:
    if np.intersect1d(fold.train, fold.validation).size:
        raise SplitError(
            "a validation row is also a training row",
            rule="folds are disjoint",
            found=f"fold {number}",
            do="correct the splitter that made the folds, or name another by split.by",
        )


def stopping_rows(
    candidate: Candidate, train: np.ndarray, roles: Roles, splitter: Splitter
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (rows to fit on, rows to stop on or None): the latter taken from the training rows, whole blocks.

    Along time these are the latest, as judged rows are; a learner that stops on "any" rows takes them from all of the time.
    """
    where = stops_on(candidate.learner)
    if not where or len(train) < 20:
        return train, None
    inside = roles.take(train)
    if where == "any" and inside.times is not None:
        inside = replace(inside, times=_shuffled_times(inside))
    kept, held = splitter.hold_out(inside, held_share(len(train)), "early stopping")
    if len(held) < 5 or len(kept) < 10:
        return train, None
    return train[kept], train[held]


def stops_on(learner: Learner) -> str:
    """Return which training rows a learner stops on: "latest", "any", or "" for none."""
    return getattr(learner, "stops_on", "latest") if learner.stops_early else ""


def _shuffled_times(roles: Roles) -> np.ndarray:
    """Return times by content, one for each block: what is held out by them is spread over all of the time."""
    of_row = np.unique(roles.blocks, return_inverse=True)[1]
    least = np.full(int(of_row.max()) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, of_row, roles.keys)
    with np.errstate(over="ignore"):
        mixed = (least ^ (least >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    times: np.ndarray = (mixed >> np.uint64(1)).astype(np.int64)[of_row]
    return times


def refit_steps(learner: Learner, n_steps: Sequence[int], n_fit: int, n_refit: int) -> int | None:
    """Return the steps for a fit on `n_refit` rows: the median best count, scaled by n_refit / n_fit where steps are
    gradient steps; boosting rounds stay as they are. None where the learner has no steps.

    Args:
        n_steps: best step count of each fold's fit, on `n_fit` rows.
    """
    if not n_steps:
        return None
    steps = float(np.median(n_steps)) * (n_refit / n_fit if learner.steps_scale else 1.0)
    return max(1, round(steps))
