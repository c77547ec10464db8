"""AdamW as state beside parameters, on torch's fused functional step.

Knows moments and decoupled weight decay; schedules are the loop's. `torch.optim.AdamW` computes the same, but making one
imports torch's compiler: 85 MB and over a second that no step of ours uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from fieldguide.core.settings import setting
from fieldguide.parts.optimisers._groups import Group, Moving, grouped


@dataclass(frozen=True)
class AdamW:
    """Adam whose weight decay does not pass through the moments.

    Formula:
        m ← β₁ m + (1 - β₁) g;  v ← β₂ v + (1 - β₂) g²;  w ← w - η (m̂ / (√v̂ + ε) + λ w), m̂ and v̂ corrected for the start

    Source:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

    Examples:
        >>> net = nn.Linear(2, 1)
        >>> net(torch.ones(1, 2)).sum().backward()
        >>> before = net.weight.detach().clone()
        >>> AdamW().start(net.named_parameters(), weight_decay=0.0, momentum=0.9).step(0.1)
        >>> round(float((before - net.weight.detach())[0, 0]), 3), net.weight.grad
        (0.1, None)
    """

    name: ClassVar[str] = "adamw"
    decoupled: ClassVar[bool] = True

    beta2: float = setting(0.999, "share of the second moment that a step keeps")
    eps: float = setting(1e-8, "added to the root of the second moment")

    def start(self, named: Iterable[tuple[str, nn.Parameter]], weight_decay: float, momentum: float) -> Moving:
        """Return the optimiser over a network's parameters; `momentum` is β₁."""
        decayed, free = grouped(named)
        pairs = ((decayed, weight_decay), (free, 0.0))
        return Moving(Moments(group, decay, momentum, self.beta2, self.eps, self.decoupled) for group, decay in pairs)


class Moments(Group):
    """First and second moments of the gradients of a group."""

    def __init__(
        self,
        parameters: list[nn.Parameter],
        weight_decay: float,
        beta1: float,
        beta2: float,
        eps: float,
        decoupled: bool,
    ) -> None:
        super().__init__(parameters, weight_decay)
        self.beta1, self.beta2, self.eps, self.decoupled = beta1, beta2, eps, decoupled
        self.first: list[Tensor] = [torch.zeros_like(p) for p in parameters]
        self.second: list[Tensor] = [torch.zeros_like(p) for p in parameters]
        self.steps: list[Tensor] = [torch.zeros((), device=p.device) for p in parameters]

    def move(self, parameters: list[Tensor], gradients: list[Tensor], moved: list[int], learning_rate: float) -> None:
        if not self.decoupled and self.weight_decay:
            gradients = [g + self.weight_decay * p for g, p in zip(gradients, parameters, strict=True)]
        adamw(
            parameters, gradients, [self.first[i] for i in moved], [self.second[i] for i in moved], [],
            [self.steps[i] for i in moved], fused=self.fused, foreach=not self.fused, amsgrad=False, beta1=self.beta1,
            beta2=self.beta2, lr=learning_rate, weight_decay=self.weight_decay if self.decoupled else 0.0, eps=self.eps,
            maximize=False,
        )  # fmt: skip
