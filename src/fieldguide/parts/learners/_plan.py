"""What networks can be told of their training: every setting said once, and the plan that they become together.

Knows names, words, search ranges and effects on capacity; each learner states its own defaults. What a plan does is `_training`'s.
"""

from __future__ import annotations

from typing import Any

from fieldguide.core.settings import Choice, Range, Space, setting


def learning_rate(default: float, low: float, high: float) -> Any:
    """Return the setting; a search draws from `low` to `high`."""
    return setting(default, "learning rate of the optimiser", space=Range(low, high, log=True))


def weight_decay(default: float) -> Any:
    words = "weight decay of the optimiser; AdamW's is decoupled"
    return setting(default, words, capacity=-1, space=Range(1e-5, 1e-1, log=True))


def l1(default: float = 0.0) -> Any:
    return setting(default, "weight of the sum of absolute weights in the loss", capacity=-1)


def optimiser(default: str = "adamw", space: Space | None = None) -> Any:
    words = "how a gradient moves the weights: adamw, adam, rmsprop, momentum or sgd"
    return setting(default, words, space=space)


def momentum(default: float = 0.9) -> Any:
    return setting(default, "share of the running mean of gradients that a step keeps; sgd and rmsprop have none")


def clip(default: float = 1.0) -> Any:
    return setting(default, "largest norm of the gradient; 0 does not clip")


def schedule(default: str = "cooldown") -> Any:
    return setting(default, "how the learning rate runs: cooldown, cosine, one_cycle, steps or constant")


def batch_size(default: int) -> Any:
    """Return the setting; a search draws half of it and twice as much too."""
    return setting(default, "rows per gradient step", space=Choice((default // 2, default, default * 2)))


def n_epochs(default: int) -> Any:
    words = "most passes over the training rows; the learning rate falls to 0 over them"
    return setting(default, words, capacity=1)


def cooldown(default: float) -> Any:
    return setting(default, "share of the steps over which the learning rate falls to 0")


def average(default: float) -> Any:
    return setting(default, "horizon of the running average of the weights [epochs]; 0: none")


def patience(default: int) -> Any:
    return setting(default, "epochs without a better validation loss until training stops")


def max_one_hot(default: int) -> Any:
    return setting(default, "greatest cardinality [codes] that becomes one-hot; above it an embedding is learned")


def plan_of(learner: Any, n_rows: int, n_steps: int | None) -> Any:
    """Return the training plan of a learner's settings: `n_epochs` over these rows, or exactly `n_steps`."""
    from fieldguide.parts.learners import _tensors, _training

    planned = learner.n_epochs * _tensors.steps_per_epoch(n_rows, learner.batch_size)
    return _training.Plan(
        n_steps=max(1, planned if n_steps is None else n_steps),
        batch_size=learner.batch_size,
        learning_rate=learner.learning_rate,
        weight_decay=learner.weight_decay,
        l1=learner.l1,
        clip=learner.clip,
        cooldown=learner.cooldown,
        average=learner.average,
        patience=learner.patience,
        optimiser=learner.optimiser,
        **{name: getattr(learner, name) for name in ("momentum", "schedule") if hasattr(learner, name)},
    )
