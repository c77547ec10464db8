"""The standard network for data without structure: two or three hidden layers, ReLU, BatchNorm, Adam.

Knows its settings and how they become a network and a plan; how networks are trained is `_training`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.batch import Encoded
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners import _plan
from fieldguide.parts.learners._network import TableNetwork


@dataclass(frozen=True)
class MLP(TableNetwork):
    """A multilayer perceptron; categories by one-hot (few levels) or embeddings (many)."""

    name: ClassVar[str] = "mlp"

    n_layers: int = setting(3, "hidden layers", capacity=1, space=Range(1, 4, integer=True))
    d_hidden: int = setting(256, "width of each hidden layer", capacity=1, space=Choice((64, 128, 256, 512)))
    dropout: float = setting(0.1, "dropout rate after each hidden layer", capacity=-1, space=Range(0.0, 0.5))
    learning_rate: float = _plan.learning_rate(5e-3, 3e-4, 1e-2)
    weight_decay: float = _plan.weight_decay(1e-3)
    l1: float = _plan.l1()
    optimiser: str = _plan.optimiser()
    momentum: float = _plan.momentum()
    clip: float = _plan.clip()
    schedule: str = _plan.schedule()
    batch_size: int = _plan.batch_size(256)
    n_epochs: int = _plan.n_epochs(60)
    cooldown: float = _plan.cooldown(0.5)
    average: float = _plan.average(1.0)
    patience: int = _plan.patience(16)
    max_one_hot: int = _plan.max_one_hot(16)

    def architecture(self, train: Encoded, outputs: tuple[Any, ...]) -> dict[str, Any]:
        """Return the arguments of `nets.mlp.MLP` for these rows."""
        layout = train.batch.layout
        return {
            "n_numbers": train.batch.numbers.shape[1],
            "cardinalities": [n for _, n in layout.codes],
            "n_layers": self.n_layers,
            "d_hidden": self.d_hidden,
            "dropout": self.dropout,
            "max_one_hot": self.max_one_hot,
        }
