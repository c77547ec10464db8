"""Hierarchical softmax: one of many labels by a few yes-or-no questions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from fieldguide.parts.losses._row import CERTAIN, RowLoss


@dataclass(frozen=True)
class HierarchicalSoftmax(RowLoss):
    """A binary tree over the labels, one logit per fork; the loss sums the surprises along the path to the true label.

    Formula:
        L = Σ over the forks on the path to y of -log σ(±z[fork]); p[y] is the product of the σ(±z[fork])

    The tree is complete, in label order: fork i leads to 2i + 1 and 2i + 2. A row's loss and gradient touch log₂(labels)
    logits instead of all. The last layer still computes every logit, so what is saved is the normalisation, not the product.

    Source:
        Morin and Bengio, "Hierarchical Probabilistic Neural Network Language Model", AISTATS 2005.

    Examples:
        Three labels, two forks: label 0 is the right branch of fork 0, labels 1 and 2 are below its left branch. With
        z = (0, 2), label 0 costs log 2 = 0.693, label 1 log 2 + 0.127 = 0.820.

        >>> HierarchicalSoftmax().compute(torch.tensor([[0.0, 2.0], [0.0, 2.0]]), torch.tensor([0, 1])).round(decimals=3)
        tensor([0.6930, 0.8200])
    """

    name: ClassVar[str] = "hierarchical_softmax"
    title: ClassVar[str] = "Hierarchical softmax"
    units: ClassVar[str] = "nats"
    tasks: ClassVar[tuple[str, ...]] = ("multiclass",)
    activation: ClassVar[str] = "tree"

    def d_logits(self, width: int) -> int:
        """Return the forks of a tree with `width` leaves."""
        return width - 1

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        forks, signs = paths(logits.shape[1] + 1)
        forks, signs = forks.to(logits.device)[target], signs.to(logits.device)[target]
        turns = logits.gather(1, forks) * signs
        return (F.softplus(-turns) * (signs != 0)).sum(1)

    def perfect(self, target: Tensor, d_logits: int) -> Tensor:
        forks, signs = paths(d_logits + 1)
        return torch.zeros(len(target), d_logits).scatter_add(1, forks[target], CERTAIN * signs[target])


@cache
def paths(n_labels: int) -> tuple[Tensor, Tensor]:
    """Return the forks on the way to each label and the turn taken there: +1 left, -1 right, 0 beyond the end.

    Shape:
        returns: (n_labels, depth) int64, (n_labels, depth) float32

    Examples:
        >>> forks, signs = paths(3)
        >>> forks.tolist(), signs.tolist()
        ([[0, 0], [0, 1], [0, 1]], [[-1.0, 0.0], [1.0, 1.0], [1.0, -1.0]])
    """
    found = []
    for label in range(n_labels):
        node, way = n_labels - 1 + label, []
        while node:
            above = (node - 1) // 2
            way.append((above, 1.0 if node == 2 * above + 1 else -1.0))
            node = above
        found.append(way[::-1])
    depth = max(len(way) for way in found)
    full = [way + [(0, 0.0)] * (depth - len(way)) for way in found]
    return torch.tensor([[f for f, _ in way] for way in full]), torch.tensor([[s for _, s in way] for way in full])
