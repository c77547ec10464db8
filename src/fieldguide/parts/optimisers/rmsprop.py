"""RMSprop: each weight's step is divided by the root of its recent mean squared gradient.

Knows that mean square; momentum, where there is some, is added to the divided gradient.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim.rmsprop import rmsprop

from fieldguide.core.settings import setting
from fieldguide.parts.optimisers._groups import Group, Moving, grouped


@dataclass(frozen=True)
class RMSprop:
    """Steps of like size for every weight, whatever the scale of its gradients. Weight decay as an L2 term of the loss.

    Formula:
        v ← α v + (1 - α) g²;  w ← w - η g / (√v + ε), g with λ w

    Source:
        Tieleman and Hinton, "Lecture 6.5: rmsprop", Coursera, 2012.

    Examples:
        >>> net = nn.Linear(1, 1, bias=False)
        >>> (100 * net(torch.ones(1, 1))).sum().backward()
        >>> before = float(net.weight.detach())
        >>> RMSprop(alpha=0.99).start(net.named_parameters(), weight_decay=0.0, momentum=0.9).step(0.01)
        >>> round(before - float(net.weight.detach()), 3)
        0.1
    """

    name: ClassVar[str] = "rmsprop"

    alpha: float = setting(0.99, "share of the mean square that a step keeps")
    eps: float = setting(1e-8, "added to the root of the mean square")

    def start(self, named: Iterable[tuple[str, nn.Parameter]], weight_decay: float, momentum: float) -> Moving:
        """Return the optimiser over a network's parameters; `momentum` has no meaning here, as in Hinton's lecture."""
        decayed, free = grouped(named)
        return Moving(Squares(group, decay, self) for group, decay in ((decayed, weight_decay), (free, 0.0)))


class Squares(Group):
    """Mean squares of the gradients of a group."""

    def __init__(self, parameters: list[nn.Parameter], weight_decay: float, settings: RMSprop) -> None:
        super().__init__(parameters, weight_decay)
        self.settings = settings
        self.squares: list[Tensor] = [torch.zeros_like(p) for p in parameters]
        self.steps: list[Tensor] = [torch.zeros(()) for _ in parameters]

    def move(self, parameters: list[Tensor], gradients: list[Tensor], moved: list[int], learning_rate: float) -> None:
        rmsprop(
            parameters, gradients, [self.squares[i] for i in moved], [], [], [self.steps[i] for i in moved], foreach=True,
            lr=learning_rate, alpha=self.settings.alpha, eps=self.settings.eps, weight_decay=self.weight_decay,
            momentum=0.0, centered=False,
        )  # fmt: skip
