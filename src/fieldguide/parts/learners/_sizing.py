"""How large a network a budget can train: sizes are timed on real steps, from the smallest up.

Knows seconds, steps and a schedule of sizes; what a size means is each learner's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from fieldguide.core.batch import Encoded
from fieldguide.core.settings import with_values

LEAST_EPOCHS = 25  # a size that cannot do so many epochs in the time is too large for it
LEAST_STEPS = 4_000  # small tables need more passes: an epoch of 1,000 rows is four steps
MOST_EPOCHS = 400
TIMED_ROWS = 4_096  # rows that steps are timed on
TIMED_SHARE = 0.015  # of the seconds, at most, for timing one size
OVERHEAD = 1.15  # measuring the stop rows, beside the steps


def sized(
    learner: Any,
    sizes: Sequence[Mapping[str, Any]],
    default: Mapping[str, Any],
    train: Encoded,
    outputs: tuple[Any, ...],
    seconds: float | None,
    threads: int,
    least_steps: int = LEAST_STEPS,
) -> Any:
    """Return the learner at the largest size expected to finish, with as many epochs as fit.

    The choice is in the returned learner's plain settings, so that a journal can replay it; timing itself is not exact.

    Args:
        sizes: settings of each size, from the cheapest to the dearest.
        default: the size taken without a time limit.
        seconds: time for one fit; None chooses by row count only, without timing.
        threads: threads the fit will use.
        least_steps: gradient steps that a small table is given at least, in epochs more than the learner's own.
    """
    from fieldguide.parts.learners import _tensors

    wanted = planned_epochs(_tensors.steps_per_epoch(len(train), learner.batch_size), learner.n_epochs, least_steps)
    if seconds is None:
        return with_values(learner, {**default, "n_epochs": wanted})
    sample = train.take(np.random.default_rng(0).permutation(len(train))[:TIMED_ROWS])
    chosen: Any = None
    for size in sizes:
        candidate = with_values(learner, size)
        step = seconds_per_step(candidate, sample, outputs, seconds * TIMED_SHARE, threads)
        epoch = step * _tensors.steps_per_epoch(len(train), candidate.batch_size) * OVERHEAD
        affordable = int(seconds / max(epoch, 1e-9))
        if chosen is not None and affordable < min(wanted, LEAST_EPOCHS):
            break
        chosen = replace(candidate, n_epochs=max(1, min(wanted, affordable)))
    return chosen


def planned_epochs(per_epoch: int, n_epochs: int, least_steps: int = LEAST_STEPS) -> int:
    """Return the most epochs a table deserves: the learner's own, more where an epoch has few steps.

    Examples:
        >>> planned_epochs(100, 60), planned_epochs(4, 60)
        (60, 400)
    """
    return max(n_epochs, min(MOST_EPOCHS, -(-least_steps // per_epoch)))


def seconds_per_step(learner: Any, sample: Encoded, outputs: tuple[Any, ...], seconds: float, threads: int) -> float:
    """Return the median time of a gradient step [s], from at least three real ones; of one where its loss is not finite."""
    from fieldguide.parts.learners import _network, _tensors, _training

    with _tensors.computing(threads, 0):
        net, heads, tensors, _ = _network.prepared(learner, sample, outputs)
        plan = replace(learner.plan(len(sample)), n_steps=60)
        one = tensors.take(slice(0, plan.batch_size))
        times = [time.monotonic()]
        for _ in _training.epochs(net, heads, one, None, plan):  # one batch: an epoch is a step
            times.append(time.monotonic())
            if len(times) > 4 and times[-1] - times[0] > seconds:
                break
    steps = [later - earlier for earlier, later in pairwise(times)]
    return statistics.median(steps[1:] or steps)  # the first step allocates
