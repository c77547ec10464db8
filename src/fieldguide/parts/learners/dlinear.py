"""The linear forecast of a decomposed window, by gradient steps.

Knows its settings and how they become a network and a plan; how windows reach it is `_forecaster`, how networks are trained `_training`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.batch import Encoded
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners import _plan
from fieldguide.parts.learners._forecaster import WindowNetwork, around


@dataclass(frozen=True)
class DLinear(WindowNetwork):
    """A linear layer for the slow course of a window and one for the rest, on the window's own scale."""

    name: ClassVar[str] = "dlinear"

    window: int = setting(
        336, "steps of the past that are looked at [steps]", capacity=1, space=Choice((96, 192, 336, 512))
    )
    centre: str = setting(
        "mean", "what a window is centred by: its mean or its last value", space=Choice(("mean", "last"))
    )
    kernel: int = setting(25, "steps of the moving average that is the slow course [steps]", space=Choice((13, 25, 49)))
    dropout: float = setting(0.0, "dropout rate of the rest", capacity=-1, space=Range(0.0, 0.3))
    learning_rate: float = _plan.learning_rate(2e-3, 3e-4, 1e-2)
    weight_decay: float = _plan.weight_decay(1e-3)
    l1: float = _plan.l1()
    batch_size: int = _plan.batch_size(256)
    n_epochs: int = _plan.n_epochs(12)
    cooldown: float = _plan.cooldown(0.7)
    average: float = _plan.average(0.5)
    patience: int = _plan.patience(4)
    clip: float = _plan.clip()
    optimiser: str = _plan.optimiser(space=Choice(("adamw", "sgd")))

    def architecture(self, train: Encoded, outputs: tuple[Any, ...]) -> dict[str, Any]:
        """Return the arguments of the network's `build` for these rows."""
        return {**around(self, train, outputs), "kernel": self.kernel, "dropout": self.dropout}
