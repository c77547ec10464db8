"""The learning-rate range test: a short training whose rate rises from far too small to far too large.

Knows one network, one pass of rising rates and what is read off its loss; whether a study then changes its rate is a person's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fieldguide.core.batch import Encoded
from fieldguide.core.contracts import Effort
from fieldguide.core.figures import count, number

LOW, HIGH = 1e-6, 10.0
N_STEPS = 120
KEPT = 0.9  # share of the running mean of the loss that a step keeps
DIVERGED = 4.0  # a smoothed loss so many times the lowest ends the test
BELOW = {"sgd": 2.0, "momentum": 2.0, "rmsprop": 3.0, "adam": 50.0, "adamw": 50.0}
"""The suggested rate lies so many times below the one of lowest loss. Chosen on adult and California (`benchmarks/optimisers.py`), and on nothing else tried: steps that are divided by
the size of the gradient learn for a while at rates far beyond those that end well."""
BELOW_OTHERS = 10.0


def rate_range(
    learner: Any, train: Encoded, outputs: tuple[Any, ...], effort: Effort | None = None, *, low: float = LOW, high: float = HIGH,
    n_steps: int = N_STEPS,
) -> dict[str, Any]:  # fmt: skip
    """Train for a few steps at rates that rise evenly in the logarithm, and read off which rates learn.

    Args:
        learner: a network with its settings: optimiser, batch size, regularisation.
        train: its encoded training rows.
        effort: seed, threads and clock.
        low, high: the rates it starts and may end with.
        n_steps: steps from `low` to `high`.

    Returns:
        `curve` (rate, loss, smoothed, of each step), `steepest` (where the smoothed loss falls fastest), `lowest` (where it is
        lowest), `diverged` (where it had risen to four times that; None where it had not), `suggested` (so far below `lowest` as the optimiser asks: `BELOW`;
        None, as the two others, where no rate learns or the clock ended the test),
        `now` (the learner's own), and `sentence`.

    Source:
        Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3.
    """
    from fieldguide.parts.learners import _tensors

    effort = effort or Effort()
    rates = [low * (high / low) ** (step / (n_steps - 1)) for step in range(n_steps)]
    curve: list[dict[str, float]] = []
    mean, lowest, diverged = 0.0, math.inf, None
    with _tensors.computing(effort.threads, effort.seed):
        for step, (rate, loss) in enumerate(
            zip(rates, _losses(learner, train, outputs, rates, effort.seed), strict=False)
        ):
            mean = KEPT * mean + (1.0 - KEPT) * loss
            smoothed = mean / (1.0 - KEPT ** (step + 1))
            if not math.isfinite(smoothed) or (step > 5 and smoothed > DIVERGED * lowest):
                diverged = rate
                break
            curve.append({"rate": rate, "loss": loss, "smoothed": smoothed})
            lowest = min(lowest, smoothed)
            if effort.clock.over:
                break
    return _read(learner, curve, diverged, n_steps)


def _losses(
    learner: Any, train: Encoded, outputs: tuple[Any, ...], rates: Sequence[float], seed: int
) -> Iterator[float]:
    """Yield the loss before each step; steps, penalties and dropout are those of training."""
    import torch

    from fieldguide.parts.learners import _network, _tensors
    from fieldguide.parts.learners._training import Descent

    net, heads, rows, _ = _network.prepared(learner, train, outputs)
    descent, order = Descent(net, heads, learner.plan(len(rows))), torch.Generator().manual_seed(seed)
    step = 0
    net.train()
    while step < len(rates):
        for part in _tensors.fed(rows, _tensors.batches(len(rows), learner.batch_size, order), (seed, step)):
            yield float(descent.step(part, rates[step]))
            step += 1
            if step >= len(rates):
                return


def _read(learner: Any, curve: list[dict[str, float]], diverged: float | None, n_steps: int) -> dict[str, Any]:
    smoothed, rates = np.array([p["smoothed"] for p in curve]), np.array([p["rate"] for p in curve])
    found: dict[str, Any] = {
        "learner": learner.name, "optimiser": learner.optimiser, "batch_size": learner.batch_size, "curve": curve,
        "diverged": diverged, "now": learner.learning_rate, "steepest": None, "lowest": None, "suggested": None,
    }  # fmt: skip
    if diverged is None and len(curve) < n_steps:
        ended = f"the clock ended the range test of {learner.name} after {len(curve)} of {n_steps} steps"
        return {**found, "sentence": f"{ended}: which rates are too large is not known, give budget.minutes more"}
    if len(curve) < 20 or smoothed.min() > 0.98 * smoothed[:5].mean():
        return {
            **found,
            "sentence": f"no rate lowers the loss of {learner.name} within {count(len(curve), 'step')}: look at the overfit check first",
        }
    best = int(smoothed.argmin())
    slopes = np.gradient(smoothed[: best + 1], np.log(rates[: best + 1])) if best > 1 else np.array([0.0])
    found |= {
        "steepest": float(rates[int(slopes.argmin())]),
        "lowest": float(rates[best]),
        "suggested": float(rates[best]) / BELOW.get(learner.optimiser, BELOW_OTHERS),
    }
    ratio = learner.learning_rate / found["suggested"]
    near = "near" if 1 / 3 <= ratio <= 3 else f"{number(ratio, 2)} times" if ratio > 3 else f"1/{1 / ratio:.0f} of"
    apart = "" if diverged is None else f"; from {number(diverged, 2)} on it diverges"
    return {
        **found,
        "sentence": f"{learner.name} with {learner.optimiser} learns fastest at {number(found['steepest'], 2)}, its loss is lowest at {number(found['lowest'], 2)}{apart}: "
        f"{number(found['suggested'], 2)} is suggested, and its rate of {number(learner.learning_rate, 2)} is {near} that",
    }  # fmt: skip
