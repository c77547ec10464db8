"""Hinge loss: a margin is asked for, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fieldguide.parts.losses._row import RowLoss, margins


@dataclass(frozen=True)
class Hinge(RowLoss):
    """What a margin of 1 is short of; rows beyond it are left alone, as in a support vector machine.

    Formula:
        L = max(0, 1 - m), m = ±z for yes or no, z[y] - max of the others for one of several labels

    Its logits are no log-odds: probabilities read from them rank well and mean little until `problem.calibrate` fits them.

    Source:
        Cortes and Vapnik, "Support-Vector Networks", Machine Learning 20, 1995; Crammer and Singer, JMLR 2, 2001.

    Examples:
        z = 0.4 for a yes is short of 1 by 0.6; z = -0.5 is short by 1.5; logits 2, 1.5 lead by 0.5, short by 0.5.

        >>> import torch
        >>> Hinge().compute(torch.tensor([[0.4], [-0.5]]), torch.ones(2, 1)).round(decimals=2)
        tensor([0.6000, 1.5000])
        >>> Hinge().compute(torch.tensor([[2.0, 1.5, 0.0]]), torch.tensor([0]))
        tensor([0.5000])
    """

    name: ClassVar[str] = "hinge"
    title: ClassVar[str] = "Hinge loss"
    units: ClassVar[str] = "margins"
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        return (1.0 - margins(logits, target)).clamp(min=0.0).mean(1)
