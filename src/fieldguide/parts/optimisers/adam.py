"""Adam: AdamW whose weight decay is a term of the gradient, as it first was.

Knows that one difference; the moments are AdamW's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from fieldguide.core.settings import setting
from fieldguide.parts.optimisers._groups import Moving, grouped
from fieldguide.parts.optimisers.adamw import Moments


@dataclass(frozen=True)
class Adam:
    """Steps by the mean gradient over the root of its mean square; weight decay as an L2 term of the loss.

    Formula:
        as AdamW, with g + λ w in place of g and no decay in the step

    Source:
        Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.

    Examples:
        >>> import torch
        >>> net = nn.Linear(2, 1)
        >>> net(torch.ones(1, 2)).sum().backward()
        >>> before = net.weight.detach().clone()
        >>> Adam().start(net.named_parameters(), weight_decay=0.0, momentum=0.9).step(0.1)
        >>> round(float((before - net.weight.detach())[0, 0]), 3)
        0.1
    """

    name: ClassVar[str] = "adam"

    beta2: float = setting(0.999, "share of the second moment that a step keeps")
    eps: float = setting(1e-8, "added to the root of the second moment")

    def start(self, named: Iterable[tuple[str, nn.Parameter]], weight_decay: float, momentum: float) -> Moving:
        """Return the optimiser over a network's parameters; `momentum` is β₁."""
        decayed, free = grouped(named)
        pairs = ((decayed, weight_decay), (free, 0.0))
        return Moving(Moments(group, decay, momentum, self.beta2, self.eps, decoupled=False) for group, decay in pairs)
