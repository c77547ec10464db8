"""Category codes as numbers a network can multiply: one-hot for few levels, a learned embedding for many.

Knows cardinalities and shapes; nothing of what the codes mean or of the layers after.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def embedding_width(cardinality: int) -> int:
    """Return the embedding width of a column: 1.6 · cardinality^0.56, at most 50.

    Source:
        fastai's `emb_sz_rule`, fitted on many tabular problems (Howard and Gugger, "fastai: A Layered API", 2020).

    Examples:
        >>> embedding_width(40)
        13
    """
    return min(50, round(1.6 * cardinality**0.56))


class Categories(nn.Module):
    """Code columns, each as one-hot (cardinality up to `max_one_hot`) or as a learned embedding.

    All one-hot columns are made by one comparison and all embeddings of one width by one look-up, since on a CPU the
    count of calls costs more than the arithmetic. One-hot cells are float, which is also what ONNX needs.

    Args:
        cardinalities: the number of codes of each column.
        max_one_hot: the greatest cardinality [codes] that becomes one-hot.

    Shape:
        codes: (rows, n_codes) int32 or int64
        returns: (rows, sum(widths)) float32

    Examples:
        >>> net = Categories([3, 100], max_one_hot=8)
        >>> net(torch.tensor([[2, 99], [0, 1]])).shape, net.widths
        (torch.Size([2, 24]), [3, 21])
    """

    column_of_slot: Tensor
    level_of_slot: Tensor

    def __init__(self, cardinalities: Sequence[int], max_one_hot: int) -> None:
        super().__init__()
        narrow = [i for i, c in enumerate(cardinalities) if c <= max_one_hot]
        groups: dict[int, list[int]] = {}
        for i, cardinality in enumerate(cardinalities):
            if cardinality > max_one_hot:
                groups.setdefault(embedding_width(cardinality), []).append(i)
        slots = [(i, level) for i in narrow for level in range(cardinalities[i])]
        self.register_buffer("column_of_slot", torch.tensor([i for i, _ in slots], dtype=torch.int64), persistent=False)
        self.register_buffer(
            "level_of_slot", torch.tensor([level for _, level in slots], dtype=torch.int32), persistent=False
        )
        self.tables = nn.ModuleList(
            nn.Embedding(sum(cardinalities[i] for i in group), width) for width, group in groups.items()
        )
        for n, group in enumerate(groups.values()):
            offsets = [sum(cardinalities[j] for j in group[:m]) for m in range(len(group))]
            self.register_buffer(f"columns_{n}", torch.tensor(group, dtype=torch.int64), persistent=False)
            self.register_buffer(f"offsets_{n}", torch.tensor(offsets, dtype=torch.int32), persistent=False)
        for table in self.tables:
            assert isinstance(table, nn.Embedding)
            # one-hot cells have variance 1/c; embeddings start at a comparable scale instead of N(0, 1)
            nn.init.normal_(table.weight, std=table.embedding_dim**-0.5)
        self.widths = [cardinalities[i] for i in narrow] + [width for width, group in groups.items() for _ in group]

    def forward(self, codes: Tensor) -> Tensor:
        parts = []
        if len(self.level_of_slot):
            parts.append((codes.index_select(1, self.column_of_slot) == self.level_of_slot).float())
        for n, table in enumerate(self.tables):
            rows = codes.index_select(1, self.get_buffer(f"columns_{n}")) + self.get_buffer(f"offsets_{n}")
            parts.append(table(rows).flatten(1))
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)
