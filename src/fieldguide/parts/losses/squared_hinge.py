"""Squared hinge: a margin is asked for, and large shortfalls weigh most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fieldguide.parts.losses._row import RowLoss, margins


@dataclass(frozen=True)
class SquaredHinge(RowLoss):
    """The square of what a margin of 1 is short of: smooth where the hinge has a corner.

    Formula:
        L = max(0, 1 - m)², m as in `hinge`

    Source:
        Zhang, "Statistical Behavior and Consistency of Classification Methods Based on Convex Risk Minimization", Annals
        of Statistics 32(1), 2004.

    Examples:
        z = 0.4 for a yes is short by 0.6, squared 0.36; z = -0.5 by 1.5, squared 2.25.

        >>> import torch
        >>> SquaredHinge().compute(torch.tensor([[0.4], [-0.5]]), torch.ones(2, 1)).round(decimals=2)
        tensor([0.3600, 2.2500])
    """

    name: ClassVar[str] = "squared_hinge"
    title: ClassVar[str] = "Squared hinge loss"
    units: ClassVar[str] = "squared margins"
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        return (1.0 - margins(logits, target)).clamp(min=0.0).square().mean(1)
