"""The standard network for data without structure: two or three hidden layers, ReLU, BatchNorm, Adam.

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


@dataclass(frozen=True)
class MLP:
    """A multilayer perceptron; categories by one-hot (few levels) or embeddings (many)."""

    name: ClassVar[str] = "mlp"
    kind: ClassVar[str] = "network"
    stops_early: ClassVar[bool] = True
    steps_scale: ClassVar[bool] = True
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "quantile"}

    n_layers: int = setting(3, "hidden layers", capacity=1, space=Range(1, 4, integer=True))
    d_hidden: int = setting(256, "width of each hidden layer", capacity=1, space=Choice((64, 128, 256, 512)))
    dropout: float = setting(0.1, "dropout rate after each hidden layer", capacity=-1, space=Range(0.0, 0.5))
    learning_rate: float = setting(5e-3, "learning rate of the optimiser", space=Range(3e-4, 1e-2, log=True))
    weight_decay: float = setting(
        1e-3, "weight decay of the optimiser; AdamW's is decoupled", capacity=-1, space=Range(1e-5, 1e-1, log=True)
    )
    l1: float = setting(0.0, "weight of the sum of absolute weights in the loss", capacity=-1)
    optimiser: str = setting("adamw", "how a gradient moves the weights: adamw, adam, rmsprop, momentum or sgd")
    momentum: float = setting(
        0.9, "share of the running mean of gradients that a step keeps; sgd and rmsprop have none"
    )
    clip: float = setting(1.0, "largest norm of the gradient; 0 does not clip")
    schedule: str = setting("cooldown", "how the learning rate runs: cooldown, cosine, one_cycle, steps or constant")
    batch_size: int = setting(256, "rows per gradient step", space=Choice((128, 256, 512)))
    n_epochs: int = setting(
        60, "most passes over the training rows; the learning rate falls to 0 over them", capacity=1
    )
    cooldown: float = setting(0.5, "share of the steps over which the learning rate falls to 0")
    average: float = setting(1.0, "horizon of the running average of the weights [epochs]; 0: none")
    patience: int = setting(16, "epochs without a better validation loss until training stops")
    max_one_hot: int = setting(
        16, "greatest cardinality [codes] that becomes one-hot; above it an embedding is learned"
    )

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Estimator:
        return _network.fit(self, train, stop, outputs, effort)

    def continued(
        self, estimator: Any, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
    ) -> Estimator:
        """Train further from the weights of an earlier fit."""
        return _network.continued(self, estimator, train, stop, outputs, effort)

    def load(self, folder: Path, data: Mapping[str, Any]) -> Estimator:
        return _network.load(folder, data)

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

    def plan(self, n_rows: int, n_steps: int | None = None) -> Any:
        """Return the training plan; `n_steps` stretches the schedule to exactly so many steps."""
        return _network.plan_of(self, n_rows, n_steps)

    def sized(self, train: Encoded, outputs: tuple[Any, ...], seconds: float | None, threads: int) -> Self:
        """Return the learner with as many epochs as `seconds` allow; its width is small enough for any budget."""
        from fieldguide.parts.learners import _sizing

        return _sizing.sized(self, ({},), {}, train, outputs, seconds, threads)
