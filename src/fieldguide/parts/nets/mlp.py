"""The standard network for rows without structure: fully connected layers with batch normalisation.

Knows shapes and layers; nothing of training, data or outputs beyond their total width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.parts.nets.categories import Categories
from fieldguide.parts.nets.dropout import Dropout


class MLP(nn.Module):
    """Linear, BatchNorm, ReLU, dropout, `n_layers` times; then one linear layer for all outputs.

    It has one member, so that its result has the shape of an ensemble's and one loss serves both.

    Args:
        n_numbers: columns of `numbers`.
        cardinalities: the number of codes of each column of `codes`.
        d_out: logits of all outputs together.
        n_layers: hidden layers.
        d_hidden: width of each hidden layer.
        dropout: rate in [0, 1) after each hidden layer.
        max_one_hot: the greatest cardinality [codes] that becomes one-hot; above it a learned embedding.

    Shape:
        numbers: (rows, n_numbers) float32
        codes: (rows, len(cardinalities)) int32 or int64
        returns: (rows, 1, d_out) float32

    Source:
        BatchNorm between the linear layer and its activation: Ioffe and Szegedy 2015, section 3.2.

    Examples:
        >>> net = MLP(n_numbers=2, cardinalities=[3, 100], d_out=1)
        >>> net(torch.zeros(5, 2), torch.zeros(5, 2, dtype=torch.int32)).shape
        torch.Size([5, 1, 1])
    """

    def __init__(
        self,
        n_numbers: int,
        cardinalities: Sequence[int],
        d_out: int,
        *,
        n_layers: int = 2,
        d_hidden: int = 256,
        dropout: float = 0.1,
        max_one_hot: int = 16,
    ) -> None:
        super().__init__()
        self.categories = Categories(cardinalities, max_one_hot) if cardinalities else None
        d_in = n_numbers + (sum(self.categories.widths) if self.categories is not None else 0)
        layers: list[nn.Module] = []
        for i in range(n_layers):
            # BatchNorm has the bias.
            layers.append(nn.Linear(max(d_in, 1) if i == 0 else d_hidden, d_hidden, bias=False))
            layers += [nn.BatchNorm1d(d_hidden), nn.ReLU()] + ([Dropout(dropout)] if dropout else [])
        self.hidden = nn.Sequential(*layers)
        self.output = nn.Linear(d_hidden, d_out)
        self.width = d_hidden

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return self.output(self.hidden(joined(numbers, codes, self.categories))).unsqueeze(1)


def joined(numbers: Tensor, codes: Tensor, categories: Categories | None) -> Tensor:
    """Return numbers and categories side by side, (rows, d_in); one zero column where there is neither.

    Examples:
        >>> joined(torch.zeros(4, 0), torch.zeros(4, 0, dtype=torch.int32), None).shape
        torch.Size([4, 1])
    """
    if categories is not None:
        return torch.cat([numbers, categories(codes)], 1)
    return numbers if numbers.shape[1] else numbers.new_zeros((numbers.shape[0], 1))


def build(architecture: Mapping[str, Any], d_out: int) -> MLP:
    """Return the network that plain data describes: the keyword arguments of `MLP`."""
    return MLP(d_out=d_out, **architecture)
