"""Huber loss: squared near the truth, absolute far from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from fieldguide.core.settings import setting
from fieldguide.parts.losses._row import ValueLoss


@dataclass(frozen=True)
class Huber(ValueLoss):
    """Half the squared error up to `delta`, a straight line beyond.

    Formula:
        L = r² / 2 where |r| ≤ δ, else δ (|r| - δ / 2); r = z - y

    Source:
        Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 35(1), 1964.

    Examples:
        δ = 1: off by 0.5 costs 0.125, off by 3 costs 1 · (3 - 0.5) = 2.5.

        >>> import torch
        >>> Huber().compute(torch.tensor([[0.5], [3.0]]), torch.zeros(2, 1))
        tensor([0.1250, 2.5000])
    """

    name: ClassVar[str] = "huber"
    title: ClassVar[str] = "Huber loss"
    units: ClassVar[str] = "variances of the target, up to delta"
    tasks: ClassVar[tuple[str, ...]] = ("regression", "vector", "count", "forecast")

    delta: float = setting(1.0, "where the square becomes a line [standard deviations of the target]")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(logits, target, reduction="none", delta=self.delta).mean(1)
