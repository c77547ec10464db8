"""Heads: which logits belong to which output, its loss, and how logits become predictions.

Knows losses and last layers by the names tasks use; nothing of the layers before or of where targets come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fieldguide.core.errors import ConfigError, nearest


@dataclass(frozen=True)
class Head:
    """One output of a network, as plain data.

    Args:
        loss: a name in `LOSSES`.
        activation: `sigmoid`, `softmax` or `identity`.
        d_logits: columns of the network's last layer that are this output's.
        complement: the single column is the probability of the second of two classes.
        weight: share of the loss.
    """

    loss: str
    activation: str
    d_logits: int
    complement: bool = False
    weight: float = 1.0


def heads_of(outputs: Sequence[Any]) -> tuple[Head, ...]:
    """Return the heads of a problem's outputs.

    Raises:
        ConfigError: a task names a loss that networks do not have.
    """
    heads = []
    for output in outputs:
        task = output.task
        if task.loss not in LOSSES:
            raise ConfigError(
                f"networks have no loss named {task.loss!r}{nearest(task.loss, LOSSES)}",
                found=f"the task {task.name!r} of output {output.name!r} asks for it",
                do=f"use one of {', '.join(LOSSES)}",
            )
        complement = task.family == "classes" and task.activation == "sigmoid" and output.width == 2
        heads.append(Head(task.loss, task.activation, 1 if complement else output.width, complement, output.weight))
    return tuple(heads)


def _binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    wanted = target.unsqueeze(1).expand_as(logits)
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean((1, 2))


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    wanted = target.unsqueeze(1).expand(-1, logits.shape[1])
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none").view(logits.shape[:2]).mean(1)


def _squared_error(logits: Tensor, target: Tensor) -> Tensor:
    return (logits - target.unsqueeze(1)).square().mean((1, 2))


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "binary_cross_entropy": _binary_cross_entropy,
    "cross_entropy": _cross_entropy,
    "squared_error": _squared_error,
}
"""Loss of each row, averaged over members (TabM: each member learns alone) and columns.

Shape:
    logits: (rows, k, d_logits)
    target: (rows, d_logits) float32, or (rows,) int64 for cross_entropy
    returns: (rows,)
"""


def loss_of(heads: Sequence[Head], logits: Tensor, targets: Sequence[Tensor]) -> Tensor:
    """Return the weighted loss of each row over all outputs.

    Shape:
        logits: (rows, k, sum of d_logits)
        targets[i]: as `LOSSES` says for the head's loss
        returns: (rows,)

    Examples:
        >>> head = Head("squared_error", "identity", 1)
        >>> loss_of([head], torch.ones(4, 2, 1), [torch.zeros(4, 1)]).shape
        torch.Size([4])
    """
    if len(heads) == 1:
        return heads[0].weight * LOSSES[heads[0].loss](logits.float(), targets[0])
    parts = logits.float().split([head.d_logits for head in heads], dim=2)
    losses = [
        head.weight * LOSSES[head.loss](part, target) for head, part, target in zip(heads, parts, targets, strict=True)
    ]
    return torch.stack(losses).sum(0)


class Readout(nn.Module):
    """A network with its last layers: activation of each member, then the mean over members.

    Shape:
        numbers: (rows, n_numbers) float32
        codes: (rows, n_codes) int32
        returns: (rows, sum of d_logits) float32

    Examples:
        >>> from fieldguide.parts.nets.mlp import MLP
        >>> head = Head("cross_entropy", "softmax", 3)
        >>> Readout(MLP(2, [], 3), [head]).eval()(torch.zeros(5, 2), torch.zeros(5, 0, dtype=torch.int32)).shape
        torch.Size([5, 3])
    """

    def __init__(self, net: nn.Module, heads: Sequence[Head]) -> None:
        super().__init__()
        self.net = net
        self.heads = tuple(heads)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        logits = self.net(numbers, codes)
        parts = logits.split([head.d_logits for head in self.heads], dim=2) if len(self.heads) > 1 else [logits]
        read = [_ACTIVATIONS[head.activation](part) for head, part in zip(self.heads, parts, strict=True)]
        together = torch.cat(read, 2) if len(read) > 1 else read[0]
        return together.mean(1)


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda logits: torch.softmax(logits, 2),
    "identity": lambda logits: logits,
}
