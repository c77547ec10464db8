"""Squared error: the mean is what minimises it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fieldguide.parts.losses._row import ValueLoss


@dataclass(frozen=True)
class SquaredError(ValueLoss):
    """Mean over the columns of the squared distance to the truth.

    Formula:
        L = (z - y)²

    Source:
        Gauss, "Theoria combinationis observationum erroribus minimis obnoxiae", 1821.

    Examples:
        Off by 2 in one column and by 1 in the other: (4 + 1) / 2 = 2.5.

        >>> import torch
        >>> SquaredError().compute(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 0.0]]))
        tensor([2.5000])
    """

    name: ClassVar[str] = "squared_error"
    title: ClassVar[str] = "Squared error"
    units: ClassVar[str] = "variances of the target"
    tasks: ClassVar[tuple[str, ...]] = ("regression", "vector", "count", "forecast")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        return (logits - target).square().mean(1)
