"""Pinball loss: a quantile is what minimises it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fieldguide.core.settings import setting
from fieldguide.parts.losses._row import ValueLoss


@dataclass(frozen=True)
class Pinball(ValueLoss):
    """Too low costs `quantile` per unit, too high 1 - `quantile`: half of that is the absolute error at the median.

    Formula:
        L = max(q (y - z), (q - 1) (y - z))

    Source:
        Koenker and Bassett, "Regression Quantiles", Econometrica 46(1), 1978.

    Examples:
        q = 0.9: two units too low cost 1.8, two units too high 0.2.

        >>> Pinball(quantile=0.9).compute(torch.tensor([[-2.0], [2.0]]), torch.zeros(2, 1)).round(decimals=3)
        tensor([1.8000, 0.2000])
    """

    name: ClassVar[str] = "pinball"
    title: ClassVar[str] = "Pinball loss"
    units: ClassVar[str] = "standard deviations of the target"
    tasks: ClassVar[tuple[str, ...]] = ("regression", "vector", "count", "forecast")

    quantile: float = setting(0.5, "the share of rows that lie below what is predicted, in (0, 1)")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        short = target - logits
        return torch.maximum(self.quantile * short, (self.quantile - 1.0) * short).mean(1)
