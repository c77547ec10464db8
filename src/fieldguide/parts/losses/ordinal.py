"""Ordinal loss: labels in an order, told apart by cuts that rise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from fieldguide.parts.losses._row import CERTAIN, RowLoss


@dataclass(frozen=True)
class Ordinal(RowLoss):
    """Cumulative link: the log-odds of lying above each cut, which fall from cut to cut whatever the logits are.

    Formula:
        η[0] = z[0], η[k] = η[k - 1] - softplus(z[k]);  P(y > k) = σ(η[k]);  L = -log(P(y > y* - 1) - P(y > y*))

    With constant gaps z[1], z[2] … this is the proportional-odds model; here they may depend on the row as well.

    Source:
        McCullagh, "Regression Models for Ordinal Data", Journal of the Royal Statistical Society B 42(2), 1980.

    Examples:
        z = (0, 0): P(y > 0) = σ(0) = 0.5, η[1] = -log 2, P(y > 1) = σ(-0.693) = 1/3. The labels have 1/2, 1/6 and 1/3,
        so the losses are 0.693, 1.792 and 1.099.

        >>> Ordinal().compute(torch.zeros(3, 2), torch.arange(3)).round(decimals=3)
        tensor([0.6930, 1.7920, 1.0990])
    """

    name: ClassVar[str] = "ordinal"
    title: ClassVar[str] = "Ordinal loss (cumulative link)"
    units: ClassVar[str] = "nats"
    tasks: ClassVar[tuple[str, ...]] = ("ordinal",)
    activation: ClassVar[str] = "ordinal"

    def d_logits(self, width: int) -> int:
        """Return the cuts between `width` labels."""
        return width - 1

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        cuts = torch.cat([logits[:, :1], logits[:, :1] - F.softplus(logits[:, 1:]).cumsum(1)], 1)
        none = torch.zeros_like(cuts[:, :1])
        # σ(a) - σ(b) = σ(a) σ(-b) (1 - exp(b - a)), and 1 - exp(-softplus(z)) = σ(z): no small number is subtracted.
        above = torch.cat([none, F.softplus(-cuts)], 1)  # -log P(y > k - 1), nothing below the first label
        below = torch.cat([F.softplus(cuts), none], 1)  # -log P(y <= k), nothing above the last
        between = torch.cat([none, F.softplus(-logits[:, 1:]), none], 1)
        return (above + below + between).gather(1, target.unsqueeze(1))[:, 0]

    def perfect(self, target: Tensor, d_logits: int) -> Tensor:
        places = torch.arange(d_logits).expand(len(target), -1)
        wanted = torch.full((len(target), d_logits), -CERTAIN)
        wanted[target > 0, 0] = CERTAIN
        return torch.where((places == target.unsqueeze(1)) & (places > 0), 2.0 * CERTAIN, wanted)
