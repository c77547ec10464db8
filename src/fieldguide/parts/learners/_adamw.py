"""AdamW as state beside parameters, on torch's functional step.

Knows moments and weight decay; schedules are the loop's. `torch.optim.AdamW` computes the same, but making one imports
torch's compiler: 85 MB and over a second that no step of ours uses.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw


class AdamW:
    """Adam with decoupled weight decay, on matrices only: not on biases, normalisations or a number's own embedding.

    Args:
        named: names and parameters, as `Module.named_parameters` gives them.
        weight_decay: share of a weight that one step of learning rate 1 takes away.

    Source:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

    Examples:
        >>> net = nn.Linear(2, 1)
        >>> optimizer = AdamW(net.named_parameters(), weight_decay=0.0)
        >>> net(torch.ones(1, 2)).sum().backward()
        >>> before = net.weight.detach().clone()
        >>> optimizer.step(0.1)
        >>> round(float((before - net.weight.detach())[0, 0]), 3), net.weight.grad
        (0.1, None)
    """

    def __init__(self, named: Iterable[tuple[str, nn.Parameter]], weight_decay: float) -> None:
        decayed: list[nn.Parameter] = []
        free: list[nn.Parameter] = []
        for name, parameter in named:
            exempt = parameter.ndim < 2 or name.endswith("bias") or "linear0" in name
            (free if exempt else decayed).append(parameter)
        self.groups = [_Moments(group, decay) for group, decay in ((decayed, weight_decay), (free, 0.0)) if group]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every parameter that has a gradient, and drop the gradients."""
        for group in self.groups:
            group.step(learning_rate)


class _Moments:
    def __init__(self, parameters: list[nn.Parameter], weight_decay: float) -> None:
        self.parameters, self.weight_decay = parameters, weight_decay
        self.first: list[Tensor] = [torch.zeros_like(p) for p in parameters]
        self.second: list[Tensor] = [torch.zeros_like(p) for p in parameters]
        self.steps: list[Tensor] = [torch.zeros((), device=p.device) for p in parameters]
        self.fused = all(p.device.type in ("cpu", "cuda") for p in parameters)

    def step(self, learning_rate: float) -> None:
        moved = [i for i, p in enumerate(self.parameters) if p.grad is not None]
        adamw(
            [self.parameters[i] for i in moved], [self.parameters[i].grad for i in moved],  # type: ignore[misc]
            [self.first[i] for i in moved], [self.second[i] for i in moved], [], [self.steps[i] for i in moved],
            fused=self.fused, foreach=not self.fused, amsgrad=False, beta1=0.9, beta2=0.999, lr=learning_rate,
            weight_decay=self.weight_decay, eps=1e-8, maximize=False,
        )  # fmt: skip
        for parameter in self.parameters:
            parameter.grad = None
