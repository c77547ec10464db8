"""TabM: a modern network for tables, many members in one pass, with piecewise-linear embeddings of numbers.

Knows its settings and how they become a network and a plan; how networks are trained is `_training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.batch import Encoded
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners import _plan
from fieldguide.parts.learners._network import TableNetwork

SIZES: tuple[Mapping[str, Any], ...] = (
    {"k": 8, "d_block": 64, "n_blocks": 2, "d_embedding": 8, "batch_size": 256},
    {"k": 8, "d_block": 128, "n_blocks": 2, "d_embedding": 16, "batch_size": 256},
    {"k": 8, "d_block": 256, "n_blocks": 2, "d_embedding": 16, "batch_size": 256},
    {"k": 16, "d_block": 384, "n_blocks": 2, "d_embedding": 16, "batch_size": 256},
    {"k": 32, "d_block": 512, "n_blocks": 2, "d_embedding": 16, "batch_size": 256},
)
"""From what a processor trains in seconds to the published size, for a GPU or a nightly run."""


@dataclass(frozen=True)
class TabM(TableNetwork):
    """TabM-mini with piecewise-linear embeddings (the authors' packages).

    Source:
        Gorishniy, Kotelnikov, Babenko, "TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling",
        ICLR 2025.
    """

    name: ClassVar[str] = "tabm"
    sizes: ClassVar[tuple[Mapping[str, Any], ...]] = SIZES
    size: ClassVar[Mapping[str, Any]] = SIZES[1]

    k: int = setting(8, "members: predictions per row that are averaged", capacity=1, space=Choice((8, 16, 32)))
    d_block: int = setting(128, "width of each block", capacity=1, space=Choice((64, 128, 256, 512)))
    n_blocks: int = setting(2, "blocks", capacity=1, space=Range(1, 4, integer=True))
    d_embedding: int = setting(16, "width of a number's embedding", capacity=1, space=Choice((8, 16, 24)))
    n_bins: int = setting(48, "most bins of a number", capacity=1, space=Range(8, 96, log=True, integer=True))
    bins: str = setting("tree", "where bins end: tree (where a decision tree on the target splits) or quantile")
    dropout: float = setting(0.1, "dropout rate after each block", capacity=-1, space=Range(0.0, 0.5))
    learning_rate: float = _plan.learning_rate(1e-2, 1e-3, 2e-2)
    weight_decay: float = _plan.weight_decay(3e-4)
    l1: float = _plan.l1()
    optimiser: str = _plan.optimiser()
    momentum: float = _plan.momentum()
    clip: float = _plan.clip()
    schedule: str = _plan.schedule()
    batch_size: int = _plan.batch_size(256)
    n_epochs: int = _plan.n_epochs(40)
    cooldown: float = _plan.cooldown(0.5)
    average: float = _plan.average(1.0)
    patience: int = _plan.patience(10)
    max_one_hot: int = _plan.max_one_hot(64)
    arch_type: str = setting("tabm-mini", "tabm-mini (members differ at the input) or tabm (at every layer)")

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
