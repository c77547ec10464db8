"""Parameters in two groups, with and without decay, and the round that every optimiser makes over them.

Knows which parameters are decayed; how a step is computed is each optimiser's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn


def grouped(named: Iterable[tuple[str, nn.Parameter]]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return (matrices, the rest): biases, normalisations and a number's own embedding are not decayed.

    Examples:
        >>> [len(group) for group in grouped(nn.Linear(2, 1).named_parameters())]
        [1, 1]
    """
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in named:
        exempt = parameter.ndim < 2 or name.endswith("bias") or "linear0" in name
        (free if exempt else decayed).append(parameter)
    return decayed, free


class Group(ABC):
    """Parameters that share their settings, with the state that an optimiser keeps beside them."""

    def __init__(self, parameters: list[nn.Parameter], weight_decay: float) -> None:
        self.parameters, self.weight_decay = parameters, weight_decay
        self.fused = all(p.device.type in ("cpu", "cuda") for p in parameters)

    @abstractmethod
    def move(self, parameters: list[Tensor], gradients: list[Tensor], moved: list[int], learning_rate: float) -> None:
        """Move the parameters that have a gradient; `moved` are their places in the group."""

    def step(self, learning_rate: float) -> None:
        moved = [i for i, p in enumerate(self.parameters) if p.grad is not None]
        if moved:
            chosen: list[Tensor] = [self.parameters[i] for i in moved]
            gradients = [p.grad for p in chosen]
            self.move(chosen, gradients, moved, learning_rate)  # type: ignore[arg-type]
        for parameter in self.parameters:
            parameter.grad = None


class Moving:
    """An optimiser at work on a network.

    Examples:
        >>> from fieldguide.parts.optimisers.sgd import SGD
        >>> net = nn.Linear(2, 1)
        >>> net(torch.ones(1, 2)).sum().backward()
        >>> before = net.weight.detach().clone()
        >>> SGD().start(net.named_parameters(), weight_decay=0.0, momentum=0.0).step(0.1)
        >>> round(float((before - net.weight.detach())[0, 0]), 4), net.weight.grad
        (0.1, None)
    """

    def __init__(self, groups: Iterable[Group]) -> None:
        self.groups = [group for group in groups if group.parameters]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every parameter that has a gradient, and drop the gradients."""
        for group in self.groups:
            group.step(learning_rate)
