"""Absolute error: the median is what minimises it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fieldguide.parts.losses._row import ValueLoss


@dataclass(frozen=True)
class AbsoluteError(ValueLoss):
    """Mean over the columns of the distance to the truth: a single wild value pulls no more than any other.

    Formula:
        L = |z - y|

    Source:
        Boscovich (1757); Koenker and Bassett, "Regression Quantiles", Econometrica 46(1), 1978.

    Examples:
        Off by 2 in one column and by 1 in the other: 1.5.

        >>> import torch
        >>> AbsoluteError().compute(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 0.0]]))
        tensor([1.5000])
    """

    name: ClassVar[str] = "absolute_error"
    title: ClassVar[str] = "Absolute error"
    units: ClassVar[str] = "standard deviations of the target"
    tasks: ClassVar[tuple[str, ...]] = ("regression", "vector", "count", "forecast")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        return (logits - target).abs().mean(1)
