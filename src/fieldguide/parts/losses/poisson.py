"""Poisson loss: counts, whose spread grows with their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fieldguide.parts.losses._row import CERTAIN, RowLoss


@dataclass(frozen=True)
class Poisson(RowLoss):
    """Half the deviance of a Poisson distribution whose rate is exp(z): what a count surprises, less what it must.

    Formula:
        L = exp(z) - y z + y log y - y; y is in units of the mean of the training rows

    Source:
        Nelder and Wedderburn, "Generalized Linear Models", Journal of the Royal Statistical Society A 135(3), 1972.

    Examples:
        z = 0 is a rate of 1. For y = 2: 1 - 0 + 2 log 2 - 2 = 0.386; for y = 0: 1; for y = 1: 0.

        >>> Poisson().compute(torch.zeros(3, 1), torch.tensor([[2.0], [0.0], [1.0]])).round(decimals=3)
        tensor([0.3860, 1.0000, 0.0000])
    """

    name: ClassVar[str] = "poisson"
    title: ClassVar[str] = "Poisson loss"
    units: ClassVar[str] = "half deviances, over the mean of the target"
    tasks: ClassVar[tuple[str, ...]] = ("count", "regression", "vector", "forecast")
    scaling: ClassVar = "mean"
    activation: ClassVar[str] = "exp"
    lowest: ClassVar[float | None] = 0.0

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        rate = torch.exp(logits.clamp(max=CERTAIN))
        return (rate - target * logits + torch.xlogy(target, target) - target).mean(1)

    def perfect(self, target: Tensor, d_logits: int) -> Tensor:
        return torch.log(target.clamp(min=1e-13))
