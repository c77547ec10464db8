"""TabM: k multilayer perceptrons that share nearly all weights, with piecewise-linear embeddings of numbers.

Knows how the authors' layers (packages `tabm` and `rtdl_num_embeddings`) are put together, and how bins are found on
training rows; nothing of training.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.parts.nets._authors import PiecewiseLinearEmbeddings, tabm
from fieldguide.parts.nets.categories import Categories
from fieldguide.parts.nets.dropout import Dropout
from fieldguide.parts.nets.mlp import joined


class TabM(nn.Module):
    """TabM-mini with piecewise-linear embeddings: k predictions per row from one pass.

    The authors' `TabM` takes one-hot of every category as integers, which neither trains without numbers nor exports to
    ONNX; here the same backbone and output layer stand behind our own input.

    Args:
        edges: bin edges of each column of `numbers`; an empty list passes the column on as it is (indicators).
        cardinalities: the number of codes of each column of `codes`.
        d_out: logits of all outputs together.
        k: members.
        d_block: width of each block.
        n_blocks: blocks.
        d_embedding: width of a number's embedding; 0 passes every number on as it is.
        dropout: rate in [0, 1) after each block.
        arch_type: `tabm-mini` (one scaling per member, at the input) or `tabm` (scalings at every layer).
        max_one_hot: the greatest cardinality [codes] that becomes one-hot; above it a learned embedding.

    Shape:
        numbers: (rows, len(edges)) float32
        codes: (rows, len(cardinalities)) int32 or int64
        returns: (rows, k, d_out) float32

    Source:
        Gorishniy, Kotelnikov, Babenko, "TabM", ICLR 2025; "On Embeddings for Numerical Features", NeurIPS 2022.

    Examples:
        >>> net = TabM([[-1.0, 0.0, 2.0], []], cardinalities=[3], d_out=2, k=4, d_block=16)
        >>> net(torch.zeros(5, 2), torch.zeros(5, 1, dtype=torch.int32)).shape
        torch.Size([5, 4, 2])
    """

    embedded: Tensor
    plain: Tensor

    def __init__(
        self,
        edges: Sequence[Sequence[float]],
        cardinalities: Sequence[int],
        d_out: int,
        *,
        k: int = 32,
        d_block: int = 512,
        n_blocks: int = 2,
        d_embedding: int = 16,
        dropout: float = 0.1,
        arch_type: str = "tabm-mini",
        max_one_hot: int = 64,
    ) -> None:
        super().__init__()
        embedded = [i for i, column in enumerate(edges) if len(column) > 1 and d_embedding > 0]
        plain = [i for i in range(len(edges)) if i not in set(embedded)]
        self.register_buffer("embedded", torch.tensor(embedded, dtype=torch.int64), persistent=False)
        self.register_buffer("plain", torch.tensor(plain, dtype=torch.int64), persistent=False)
        self.numbers = None
        if embedded:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a column with one bin is min-max scaled, which is what we want of it
                bins = [torch.tensor(edges[i], dtype=torch.float32) for i in embedded]
                self.numbers = PiecewiseLinearEmbeddings(bins, d_embedding, activation=False, version="B")
        self.categories = Categories(cardinalities, max_one_hot) if cardinalities else None
        # one random scale per feature and member, not per input cell: the cells of a feature keep their meaning
        chunks = (
            [d_embedding] * len(embedded)
            + [1] * len(plain)
            + (self.categories.widths if self.categories is not None else [])
        )
        self.backbone = tabm.make_tabm_backbone(
            d_in=max(sum(chunks), 1),
            n_blocks=n_blocks,
            d_block=d_block,
            dropout=dropout,
            k=k,
            arch_type=arch_type,
            start_scaling_init="normal" if embedded else "random-signs",
            start_scaling_init_chunks=chunks or [1],
        )
        for block in self.backbone.blocks:
            block[2] = Dropout(dropout)
        self.output = tabm.LinearEnsemble(d_block, d_out, k=k)
        self.k = k
        self.width = k * max(d_block, sum(chunks))

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        if self.numbers is not None:
            parts = [self.numbers(numbers.index_select(1, self.embedded)).flatten(1)]
            numbers = torch.cat([*parts, numbers.index_select(1, self.plain)], 1) if len(self.plain) else parts[0]
        x = joined(numbers, codes, self.categories)
        if self.training and isinstance(self.backbone, tabm.MLPBackboneMiniEnsemble):
            return self.output(self._blocks_at_once(x))
        return self.output(self.backbone(x.unsqueeze(1).expand(-1, self.k, -1)))

    def _blocks_at_once(self, x: Tensor) -> Tensor:
        """Return what the backbone returns, with the members' scalings put on the first weights instead of on the rows.

        W (s * x) = (W * s) x: one product for all members, and no (rows, k, d_in) array in training.
        """
        scale = self.backbone.affine.weight
        (first, *after), *blocks = self.backbone.blocks
        weight = (scale.unsqueeze(1) * first.weight).flatten(0, 1)
        hidden = nn.functional.linear(x, weight).unflatten(1, (self.k, -1)) + first.bias
        for layer in after:
            hidden = layer(hidden)
        for block in blocks:
            hidden = block(hidden)
        return hidden


def build(architecture: Mapping[str, Any], d_out: int) -> TabM:
    """Return the network that plain data describes: the keyword arguments of `TabM`."""
    return TabM(d_out=d_out, **architecture)
