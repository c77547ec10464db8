"""TabM: a modern network for tables, many members in one pass, with piecewise-linear embeddings of numbers.

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

SIZES: tuple[Mapping[str, Any], ...] = (
    {"k": 8, "d_block": 64, "n_blocks": 2, "d_embedding": 8, "batch_size": 256},
    {"k": 8, "d_block": 128, "n_blocks": 2, "d_embedding": 16, "batch_size": 256},
    {"k": 8, "d_block": 256, "n_blocks": 2, "d_embedding": 16, "batch_size": 256},
    {"k": 16, "d_block": 384, "n_blocks": 2, "d_embedding": 16, "batch_size": 256},
    {"k": 32, "d_block": 512, "n_blocks": 2, "d_embedding": 16, "batch_size": 256},
)
"""From what a processor trains in seconds to the published size, for a GPU or a nightly run."""


@dataclass(frozen=True)
class TabM:
    """TabM-mini with piecewise-linear embeddings (the authors' packages).

    Source:
        Gorishniy, Kotelnikov, Babenko, "TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling",
        ICLR 2025.
    """

    name: ClassVar[str] = "tabm"
    kind: ClassVar[str] = "network"
    stops_early: ClassVar[bool] = True
    steps_scale: ClassVar[bool] = True
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "quantile"}

    k: int = setting(8, "members: predictions per row that are averaged", capacity=1, space=Choice((8, 16, 32)))
    d_block: int = setting(128, "width of each block", capacity=1, space=Choice((64, 128, 256, 512)))
    n_blocks: int = setting(2, "blocks", capacity=1, space=Range(1, 4, integer=True))
    d_embedding: int = setting(16, "width of a number's embedding", capacity=1, space=Choice((8, 16, 24)))
    n_bins: int = setting(48, "most bins of a number", capacity=1, space=Range(8, 96, log=True, integer=True))
    bins: str = setting("tree", "where bins end: tree (where a decision tree on the target splits) or quantile")
    dropout: float = setting(0.1, "dropout rate after each block", capacity=-1, space=Range(0.0, 0.5))
    learning_rate: float = setting(1e-2, "learning rate of the optimiser", space=Range(1e-3, 2e-2, log=True))
    weight_decay: float = setting(
        3e-4, "weight decay of the optimiser; AdamW's is decoupled", capacity=-1, space=Range(1e-5, 1e-1, log=True)
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
        40, "most passes over the training rows; the learning rate falls to 0 over them", capacity=1
    )
    cooldown: float = setting(0.5, "share of the steps over which the learning rate falls to 0")
    average: float = setting(1.0, "horizon of the running average of the weights [epochs]; 0: none")
    patience: int = setting(10, "epochs without a better validation loss until training stops")
    max_one_hot: int = setting(
        64, "greatest cardinality [codes] that becomes one-hot; above it an embedding is learned"
    )
    arch_type: str = setting("tabm-mini", "tabm-mini (members differ at the input) or tabm (at every layer)")

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
        """Return the arguments of `nets.tabm.TabM` for these rows; bins are found on them."""
        from fieldguide.parts.nets.bins import bin_edges

        target = train.targets[0] if self.bins == "tree" else None
        edges = bin_edges(train.batch.numbers, self.n_bins, target, outputs[0].task.family == "classes")
        return {
            "edges": edges,
            "cardinalities": [n for _, n in train.batch.layout.codes],
            "k": self.k,
            "d_block": self.d_block,
            "n_blocks": self.n_blocks,
            "d_embedding": self.d_embedding,
            "dropout": self.dropout,
            "arch_type": self.arch_type,
            "max_one_hot": self.max_one_hot,
        }

    def plan(self, n_rows: int, n_steps: int | None = None) -> Any:
        """Return the training plan; `n_steps` stretches the schedule to exactly so many steps."""
        return _network.plan_of(self, n_rows, n_steps)

    def sized(self, train: Encoded, outputs: tuple[Any, ...], seconds: float | None, threads: int) -> Self:
        """Return the largest of `SIZES` that trains for enough epochs in `seconds`, and as many epochs as fit."""
        from fieldguide.parts.learners import _sizing

        return _sizing.sized(self, SIZES, SIZES[1], train, outputs, seconds, threads)
