"""The network of several inputs: texts, images, sounds and series, each with its own encoder, beside the table's columns.

Knows its settings and how they become a network and a plan; how networks are trained is `_training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.batch import Encoded
from fieldguide.core.contracts import Effort, Estimator
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners import _plan
from fieldguide.parts.learners._network import Network
from fieldguide.parts.modalities._checkpoints import resolve
from fieldguide.parts.modalities._sentences import model_of

SIZES: tuple[Mapping[str, Any], ...] = (
    {"text": "pool", "d_embedding": 64, "d_hidden": 64},
    {"text": "cnn", "d_embedding": 64, "d_hidden": 64},
    {"text": "cnn", "d_embedding": 128, "d_hidden": 128},
)
"""From what a processor trains in seconds to a size for minutes."""


@dataclass(frozen=True)
class Fusion(Network):
    """An encoder per column, a combiner, a head per output."""

    name: ClassVar[str] = "fusion"
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "quantile", "media": "blocks"}
    sizes: ClassVar[tuple[Mapping[str, Any], ...]] = SIZES
    size: ClassVar[Mapping[str, Any]] = SIZES[-1]
    least_steps: ClassVar[int] = 800
    """An encoder that learns from scratch overfits after a few passes; more steps would not be taken."""
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"all layers": {"unfrozen": -1}}

    text: str = setting(
        "cnn", "encoder of texts: pool, cnn, lstm, gru, transformer", of="text",
        space=Choice(("pool", "cnn", "lstm", "gru", "transformer")),
    )  # fmt: skip
    image: str = setting("resnet", "encoder of images: resnet", of="image")
    audio: str = setting("cnn", "encoder of sounds: cnn", of="audio")
    series: str = setting(
        "resnet", "encoder of series: resnet, fcn, lstm, gru", of="series", space=Choice(("resnet", "fcn", "lstm"))
    )
    unfrozen: int = setting(
        2,
        "later layers of a column's checkpoint that learn in a second stage [layers]; 0: there is none; -1: all layers",
        capacity=1,
    )
    d_embedding: int = setting(
        128, "width of a token's embedding, or of an encoder's first layer", capacity=1, space=Choice((64, 128, 256))
    )
    n_layers: int = setting(1, "hidden layers after the inputs are joined", capacity=1, space=Range(0, 2, integer=True))
    d_hidden: int = setting(
        128, "width of each input's vector and of the hidden layers", capacity=1, space=Choice((64, 128, 256))
    )
    dropout: float = setting(
        0.3, "dropout rate in the encoders and around the hidden layers", capacity=-1, space=Range(0.0, 0.6)
    )
    learning_rate: float = _plan.learning_rate(2e-3, 3e-4, 5e-3)
    weight_decay: float = _plan.weight_decay(1e-2)
    l1: float = _plan.l1()
    optimiser: str = _plan.optimiser()
    momentum: float = _plan.momentum()
    clip: float = _plan.clip()
    schedule: str = _plan.schedule()
    batch_size: int = _plan.batch_size(64)
    n_epochs: int = _plan.n_epochs(15)
    cooldown: float = _plan.cooldown(0.7)
    average: float = _plan.average(0.5)
    patience: int = _plan.patience(6)
    max_one_hot: int = _plan.max_one_hot(16)

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Estimator:
        if any(spec.checkpoint for spec in train.batch.layout.blocks):
            from fieldguide.parts.learners import _stages

            return _stages.fit(self, train, stop, outputs, effort)
        return super().fit(train, stop, outputs, effort)

    def architecture(self, train: Encoded, outputs: tuple[Any, ...]) -> dict[str, Any]:
        """Return the arguments of `nets.fusion.Fusion` for these rows."""
        layout = train.batch.layout
        return {
            "n_numbers": train.batch.numbers.shape[1],
            "cardinalities": [n for _, n in layout.codes],
            "blocks": [spec.to_dict() for spec in layout.blocks],
            "forms": ["checkpoint" if spec.checkpoint else getattr(self, spec.kind) for spec in layout.blocks],
            "settings": {
                "d_embedding": self.d_embedding,
                "dropout": self.dropout,
                "unfrozen": self.unfrozen,
                "checkpoints": {
                    spec.checkpoint: resolve(spec.checkpoint, spec.kind).config
                    for spec in layout.blocks
                    if spec.checkpoint
                },
            },
            "d_hidden": self.d_hidden,
            "n_layers": self.n_layers,
            "dropout": self.dropout,
            "max_one_hot": self.max_one_hot,
        }

    def warm(self, net: Any, layout: Any) -> None:
        """Load the weights of checkpoints into a network that was just built."""
        from fieldguide.parts.nets.encoders._pretrained import encoder_of

        for spec, encoder in zip(layout.blocks, net.encoders, strict=True):
            if spec.checkpoint:
                found = model_of(resolve(spec.checkpoint, spec.kind).folder)
                encoder.backbone.pretrained.load_state_dict(encoder_of(found).state_dict())
