"""The recurrent forecast: an LSTM over the window.

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
class Recurrent(WindowNetwork):
    """An LSTM, forget gates open at the start, gradients clipped; by AdamW, Adam or SGD."""

    name: ClassVar[str] = "recurrent"

    window: int = setting(192, "steps of the past that are looked at [steps]", capacity=1, space=Choice((96, 192, 336)))
    centre: str = setting(
        "last", "what a window is centred by: its mean or its last value", space=Choice(("mean", "last"))
    )
    patch: int = setting(8, "steps that are read at once [steps]", space=Choice((4, 8, 16, 24)))
    n_layers: int = setting(1, "LSTM layers", capacity=1, space=Range(1, 2, integer=True))
    d_hidden: int = setting(64, "width of the state", capacity=1, space=Choice((32, 64, 128)))
    dropout: float = setting(0.2, "dropout rate between layers and before the last", capacity=-1, space=Range(0.0, 0.5))
    learning_rate: float = _plan.learning_rate(2e-3, 3e-4, 1e-2)
    weight_decay: float = _plan.weight_decay(1e-3)
    l1: float = _plan.l1()
    batch_size: int = _plan.batch_size(256)
    n_epochs: int = _plan.n_epochs(8)
    cooldown: float = _plan.cooldown(0.7)
    average: float = _plan.average(0.5)
    patience: int = _plan.patience(3)
    clip: float = _plan.clip()
    optimiser: str = _plan.optimiser(space=Choice(("adamw", "sgd")))

    def architecture(self, train: Encoded, outputs: tuple[Any, ...]) -> dict[str, Any]:
        """Return the arguments of the network's `build` for these rows."""
        return {
            **around(self, train, outputs),
            "patch": self.patch,
            "n_layers": self.n_layers,
            "d_hidden": self.d_hidden,
            "dropout": self.dropout,
        }
