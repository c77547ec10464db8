"""The patch transformer.

Knows its settings and how they become a network and a plan; how windows reach it is `_forecaster`, how networks are trained `_training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.batch import Encoded
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners import _plan
from fieldguide.parts.learners._forecaster import WindowNetwork, around


@dataclass(frozen=True)
class PatchTST(WindowNetwork):
    """Patches of a window as words of a small transformer, on the window's own scale."""

    name: ClassVar[str] = "patchtst"
    sizes: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"n_layers": 1, "d_hidden": 32, "stride": 16},
        {"n_layers": 2, "d_hidden": 64},
        {},
    )

    window: int = setting(
        336, "steps of the past that are looked at [steps]", capacity=1, space=Choice((192, 336, 512))
    )
    centre: str = setting(
        "mean", "what a window is centred by: its mean or its last value", space=Choice(("mean", "last"))
    )
    patch: int = setting(16, "steps of a patch [steps]", space=Choice((8, 16, 24)))
    stride: int = setting(8, "steps between patches [steps]", capacity=-1)
    d_model: int = setting(16, "width of a patch's vector", capacity=1, space=Choice((16, 32, 64)))
    n_heads: int = setting(4, "attention heads")
    n_layers: int = setting(3, "encoder layers", capacity=1, space=Range(1, 3, integer=True))
    d_hidden: int = setting(128, "width inside a layer's feed-forward part", capacity=1, space=Choice((64, 128, 256)))
    dropout: float = setting(0.3, "dropout rate", capacity=-1, space=Range(0.0, 0.5))
    learning_rate: float = _plan.learning_rate(1e-3, 1e-4, 3e-3)
    weight_decay: float = _plan.weight_decay(1e-3)
    l1: float = _plan.l1()
    batch_size: int = _plan.batch_size(256)
    n_epochs: int = _plan.n_epochs(10)
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
            "stride": self.stride,
            "d_model": self.d_model,
            "n_heads": self.n_heads,
            "n_layers": self.n_layers,
            "d_hidden": self.d_hidden,
            "dropout": self.dropout,
        }
