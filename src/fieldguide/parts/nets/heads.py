"""Heads: which logits belong to which output, its loss, and how logits become predictions.

Knows last layers by name and losses as parts; nothing of the layers before or of where targets come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.core.errors import ConfigError, nearest
from fieldguide.parts import find, names

ONE_MORE = ("ordinal", "tree")  # last layers that read one more column than they have logits
ONE_OF = ("softmax", *ONE_MORE)  # last layers whose truth is the code of one label


@dataclass(frozen=True)
class Head:
    """One output of a network, as plain data.

    Args:
        loss: its name; of one's own, the import path.
        activation: `sigmoid`, `softmax`, `identity`, `exp`, `ordinal` or `tree`.
        d_logits: columns of the network's last layer that are this output's.
        complement: the single column is the probability of the second of two classes.
        weight: share of the loss.
        part: the loss itself, needed to train only; None: the part of that name as it is by default.
    """

    loss: str
    activation: str
    d_logits: int
    complement: bool = False
    weight: float = 1.0
    part: Any = field(default=None, compare=False, repr=False)

    @property
    def is_code(self) -> bool:
        """Whether the truth is the code of one label, and not a column per logit."""
        return self.activation in ONE_OF

    @property
    def judge(self) -> Any:
        """The loss as a part."""
        return self.part if self.part is not None else default_loss(self.loss)

    def to_dict(self) -> dict[str, Any]:
        """Return what a model folder keeps of a head: how it is read, and of the loss its name."""
        return {
            "loss": self.loss, "activation": self.activation, "d_logits": self.d_logits, "complement": self.complement,
            "weight": self.weight,
        }  # fmt: skip


@cache
def default_loss(name: str) -> Any:
    """Return a loss with its own settings."""
    return find("losses", name)()


def heads_of(outputs: Sequence[Any]) -> tuple[Head, ...]:
    """Return the heads of a problem's outputs: each with the problem's loss, else the task's own.

    Raises:
        ConfigError: a task names a loss that there is not.
    """
    heads = []
    for output in outputs:
        task = output.task
        chosen = getattr(output, "loss", None)
        if chosen is None and task.loss not in names("losses"):
            raise ConfigError(
                f"networks have no loss named {task.loss!r}{nearest(task.loss, names('losses'))}",
                rule="a network learns by a loss it has",
                found=f"the task {task.name!r} of output {output.name!r} asks for it",
                do=f"use one of {', '.join(names('losses'))}",
            )
        loss = chosen if chosen is not None else default_loss(task.loss)
        complement = task.family == "classes" and task.activation == "sigmoid" and output.width == 2
        activation = task.activation if complement else loss.activation or task.activation
        d_logits = 1 if complement else loss.d_logits(output.width)
        heads.append(Head(loss.name, activation, d_logits, complement, output.weight, loss))
    return tuple(heads)


def member_losses(head: Head, logits: Tensor, target: Tensor) -> Tensor:
    """Return a head's loss of each row, averaged over members (TabM: each member learns alone).

    Shape:
        logits: (rows, k, d_logits)
        target: (rows, d_logits) float32, or (rows,) int64 codes
        returns: (rows,)
    """
    n_rows, k = logits.shape[:2]
    if k == 1:
        losses: Tensor = head.judge.compute(logits[:, 0], target)
        return losses
    wanted = target.unsqueeze(1).expand(-1, k, *target.shape[1:]).flatten(0, 1)
    return head.judge.compute(logits.flatten(0, 1), wanted).view(n_rows, k).mean(1)


def loss_of(heads: Sequence[Head], logits: Tensor, targets: Sequence[Tensor]) -> Tensor:
    """Return the weighted loss of each row over all outputs.

    Shape:
        logits: (rows, k, sum of d_logits)
        targets[i]: as `member_losses` takes it
        returns: (rows,)

    Examples:
        >>> head = Head("squared_error", "identity", 1)
        >>> loss_of([head], torch.ones(4, 2, 1), [torch.zeros(4, 1)]).shape
        torch.Size([4])
    """
    if len(heads) == 1:
        return heads[0].weight * member_losses(heads[0], logits.float(), targets[0])
    parts = logits.float().split([head.d_logits for head in heads], dim=2)
    losses = [
        head.weight * member_losses(head, part, target)
        for head, part, target in zip(heads, parts, targets, strict=True)
    ]
    return torch.stack(losses).sum(0)


class Readout(nn.Module):
    """A network with its last layers: activation of each member, then the mean over members.

    Shape:
        numbers: (rows, n_numbers) float32
        codes: (rows, n_codes) int32
        blocks[i]: (rows, *shape of its spec), for networks that take them
        returns: (rows, sum of logits) float32; a column more for each head of `ONE_MORE`

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

    def forward(self, numbers: Tensor, codes: Tensor, *blocks: Tensor) -> Tensor:
        logits = self.net(numbers, codes, *blocks)
        parts = logits.split([head.d_logits for head in self.heads], dim=2) if len(self.heads) > 1 else [logits]
        read = [_ACTIVATIONS[head.activation](part) for head, part in zip(self.heads, parts, strict=True)]
        together = torch.cat(read, 2) if len(read) > 1 else read[0]
        return together.mean(1)


def read_cuts(logits: Tensor) -> Tensor:
    """Return the probabilities of labels in an order: the first logit is the first cut, each further one a fall from it.

    Shape:
        logits: (rows, k, labels - 1)
        returns: (rows, k, labels)

    Examples:
        >>> read_cuts(torch.zeros(1, 1, 2)).round(decimals=3).tolist()
        [[[0.5, 0.16699999570846558, 0.3330000042915344]]]
    """
    first, falls = logits[..., :1], nn.functional.softplus(logits[..., 1:])
    above = torch.sigmoid(torch.cat([first, first - falls.cumsum(-1)], -1))
    one, none = torch.ones_like(first), torch.zeros_like(first)
    return (torch.cat([one, above], -1) - torch.cat([above, none], -1)).clamp(min=0.0)


def read_tree(logits: Tensor) -> Tensor:
    """Return the probabilities of the leaves of a complete tree: fork i leads to 2i + 1 with σ(z[i]), else to 2i + 2.

    Shape:
        logits: (rows, k, leaves - 1)
        returns: (rows, k, leaves)

    Examples:
        >>> read_tree(torch.zeros(1, 1, 2)).tolist()
        [[[0.5, 0.25, 0.25]]]
    """
    n_forks = logits.shape[-1]
    nodes, first, leaves = torch.ones_like(logits[..., :1]), 0, []
    while first < n_forks:
        forks = min(nodes.shape[-1], n_forks - first)
        leaves.append(nodes[..., forks:])
        left = torch.sigmoid(logits[..., first : first + forks])
        ways = torch.stack([left, 1.0 - left], -1).flatten(-2)
        first, nodes = first + nodes.shape[-1], nodes[..., :forks].repeat_interleave(2, -1) * ways
    return torch.cat([*leaves, nodes], -1)


HIGHEST = 30.0  # beyond it a rate is a number no count reaches

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda logits: torch.softmax(logits, 2),
    "identity": lambda logits: logits,
    "exp": lambda logits: torch.exp(logits.clamp(max=HIGHEST)),
    "ordinal": read_cuts,
    "tree": read_tree,
}
