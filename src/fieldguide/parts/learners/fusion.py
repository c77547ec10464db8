"""The network of several inputs: texts, images, sounds and series, each with its own encoder, beside the table's columns.

Knows its settings and how they become a network and a plan; how networks are trained is `_training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from fieldguide.core.batch import Encoded
from fieldguide.core.contracts import Effort, Estimator
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners import _network
from fieldguide.parts.modalities._checkpoints import resolve
from fieldguide.parts.modalities._sentences import model_of

SIZES: tuple[Mapping[str, Any], ...] = (
    {"text": "pool", "d_embedding": 64, "d_hidden": 64},
    {"text": "cnn", "d_embedding": 64, "d_hidden": 64},
    {"text": "cnn", "d_embedding": 128, "d_hidden": 128},
)
"""From what a processor trains in seconds to a size for minutes."""
LEAST_STEPS = 800  # an encoder that learns from scratch overfits after a few passes; more steps would not be taken


@dataclass(frozen=True)
class Fusion:
    """An encoder per column, a combiner, a head per output."""

    name: ClassVar[str] = "fusion"
    kind: ClassVar[str] = "network"
    stops_early: ClassVar[bool] = True
    steps_scale: ClassVar[bool] = True
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "quantile", "media": "blocks"}

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
    learning_rate: float = setting(2e-3, "learning rate of AdamW", space=Range(3e-4, 5e-3, log=True))
    weight_decay: float = setting(
        1e-2, "decoupled weight decay of AdamW", capacity=-1, space=Range(1e-5, 1e-1, log=True)
    )
    l1: float = setting(0.0, "weight of the sum of absolute weights in the loss", capacity=-1)
    optimiser: str = setting("adamw", "how a gradient moves the weights: adamw, adam, rmsprop, momentum or sgd")
    momentum: float = setting(
        0.9, "share of the running mean of gradients that a step keeps; sgd and rmsprop have none"
    )
    clip: float = setting(1.0, "largest norm of the gradient; 0 does not clip")
    schedule: str = setting("cooldown", "how the learning rate runs: cooldown, cosine, one_cycle, steps or constant")
    batch_size: int = setting(64, "rows per gradient step", space=Choice((32, 64, 128)))
    n_epochs: int = setting(
        15, "most passes over the training rows; the learning rate falls to 0 over them", capacity=1
    )
    cooldown: float = setting(0.7, "share of the steps over which the learning rate falls to 0")
    average: float = setting(0.5, "horizon of the running average of the weights [epochs]; 0: none")
    patience: int = setting(6, "epochs without a better validation loss until training stops")
    max_one_hot: int = setting(
        16, "greatest cardinality [codes] that becomes one-hot; above it an embedding is learned"
    )

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Estimator:
        if any(spec.checkpoint for spec in train.batch.layout.blocks):
            from fieldguide.parts.learners import _stages

            return _stages.fit(self, train, stop, outputs, effort)
        return _network.fit(self, train, stop, outputs, effort)

    def load(self, folder: Path, data: Mapping[str, Any]) -> Estimator:
        return _network.load(folder, data)

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

    def plan(self, n_rows: int, n_steps: int | None = None) -> Any:
        """Return the training plan; `n_steps` stretches the schedule to exactly so many steps."""
        return _network.plan_of(self, n_rows, n_steps)

    def sized(self, train: Encoded, outputs: tuple[Any, ...], seconds: float | None, threads: int) -> Self:
        """Return the largest of `SIZES` that trains for enough epochs in `seconds`, and as many epochs as fit."""
        from fieldguide.parts.learners import _sizing

        return _sizing.sized(self, SIZES, SIZES[-1], train, outputs, seconds, threads, LEAST_STEPS)
