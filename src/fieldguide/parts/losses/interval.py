"""Interval loss: what a booking, or its absence, says of the price that was offered.

Knows offers with their sign: P where it was booked, -P where it was not. How a table becomes such numbers is `frame`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fieldguide.core.settings import setting
from fieldguide.parts.losses._row import CERTAIN, RowLoss


@dataclass(frozen=True)
class Interval(RowLoss):
    """How far a suggested price lies outside the interval in which a better price must lie, as far as one offer can tell.

    Booked at P: the best price is P or somewhat more, so the interval is [P, c2 P]. Not booked: P or somewhat less, so it
    is [c1 P, P]. A suggestion inside costs nothing.

    Formula:
        L = max(0, lower - s) + max(0, s - upper), s = exp(z) in units of the mean offered price of the training rows;
        lower = P if booked, else c1 P; upper = c2 P if booked, else P

    Source:
        Ye et al., "Customized Regression Model for Airbnb Dynamic Pricing", KDD 2018, section 4.3. The paper's suggestion
        is its strategy model; here it is the exponential of a network's last layer, so that it is above 0.

    Examples:
        c1 = 0.7, c2 = 1.3, a suggestion of exp(0) = 1. An offer of 1.2 that was booked has [1.2, 1.56]: 0.2 too low. One of
        0.8 that was not has [0.56, 0.8]: 0.2 too high. One of 0.9 that was booked has [0.9, 1.17]: inside, 0.

        >>> Interval().compute(torch.zeros(3, 1), torch.tensor([[1.2], [-0.8], [0.9]])).round(decimals=3)
        tensor([0.2000, 0.2000, 0.0000])
    """

    name: ClassVar[str] = "interval"
    title: ClassVar[str] = "Interval loss"
    units: ClassVar[str] = "mean offered prices"
    tasks: ClassVar[tuple[str, ...]] = ("price",)
    scaling: ClassVar = "size"
    activation: ClassVar[str] = "exp"

    c1: float = setting(0.7, "the lowest price worth suggesting after no booking, a share of the offer, in (0, 1)")
    c2: float = setting(1.3, "the highest price worth suggesting after a booking, a multiple of the offer, above 1")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        suggested = torch.exp(logits.clamp(max=CERTAIN))
        booked, offered = target > 0, target.abs()
        lower = torch.where(booked, offered, self.c1 * offered)
        upper = torch.where(booked, self.c2 * offered, offered)
        return (torch.relu(lower - suggested) + torch.relu(suggested - upper)).mean(1)

    def perfect(self, target: Tensor, d_logits: int) -> Tensor:
        return torch.log(target.abs().clamp(min=1e-13))
