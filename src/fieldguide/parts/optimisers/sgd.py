"""Stochastic gradient descent: a step against the gradient of a batch.

Knows the plain step, and the running sum of gradients that `momentum` adds to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.optim.sgd import sgd

from fieldguide.parts.optimisers._groups import Group, Moving, grouped


@dataclass(frozen=True)
class SGD:
    """The plain step; weight decay as an L2 term of the loss. Momentum is left out: `momentum` has it.

    Formula:
        w ← w - η (g + λ w)

    Source:
        Robbins and Monro, "A Stochastic Approximation Method", Annals of Mathematical Statistics 22(3), 1951.

    Examples:
        >>> import torch
        >>> net = nn.Linear(1, 1, bias=False)
        >>> (3 * net(torch.ones(1, 1))).sum().backward()
        >>> before = float(net.weight.detach())
        >>> SGD().start(net.named_parameters(), weight_decay=0.0, momentum=0.0).step(0.1)
        >>> round(before - float(net.weight.detach()), 4)
        0.3
    """

    name: ClassVar[str] = "sgd"

    def start(self, named: Iterable[tuple[str, nn.Parameter]], weight_decay: float, momentum: float) -> Moving:
        """Return the optimiser over a network's parameters; `momentum` has no meaning here."""
        decayed, free = grouped(named)
        return Moving(Descent(group, decay, 0.0) for group, decay in ((decayed, weight_decay), (free, 0.0)))


class Descent(Group):
    """Parameters with the running sum of their gradients, where there is momentum."""

    def __init__(
        self, parameters: list[nn.Parameter], weight_decay: float, momentum: float, nesterov: bool = False
    ) -> None:
        super().__init__(parameters, weight_decay)
        self.momentum, self.nesterov = momentum, nesterov
        self.sums: list[Tensor | None] = [None] * len(parameters)

    def move(self, parameters: list[Tensor], gradients: list[Tensor], moved: list[int], learning_rate: float) -> None:
        sums = [self.sums[i] for i in moved]
        sgd(
            parameters, gradients, sums, foreach=True, weight_decay=self.weight_decay, momentum=self.momentum,
            lr=learning_rate, dampening=0.0, nesterov=self.nesterov, maximize=False,
        )  # fmt: skip
        for place, total in zip(moved, sums, strict=True):
            self.sums[place] = total
