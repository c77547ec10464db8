"""A network of several inputs: an encoder per column that is encoded whole, one for the table's columns, a combiner.

Knows how vectors are put together; what an encoder does is `nets.encoders`'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.core.batch import Spec
from fieldguide.parts.nets import encoders
from fieldguide.parts.nets.categories import Categories
from fieldguide.parts.nets.dropout import Dropout
from fieldguide.parts.nets.mlp import joined


class Fusion(nn.Module):
    """Each input becomes a vector of one width; side by side they go through hidden layers to all outputs.

    Args:
        n_numbers: columns of `numbers`.
        cardinalities: the number of codes of each column of `codes`.
        blocks: what each further input holds, as plain data of `core.batch.Spec`.
        forms: the encoder of each block.
        d_out: logits of all outputs together.
        settings: the encoders' arguments, such as d_embedding.
        d_hidden: width of every input's vector and of the hidden layers.
        n_layers: hidden layers after the inputs are joined; 0 goes straight to the outputs.
        dropout: rate in [0, 1) before and after each hidden layer.
        max_one_hot: the greatest cardinality [codes] that becomes one-hot; above it a learned embedding.

    Shape:
        numbers: (rows, n_numbers) float32
        codes: (rows, len(cardinalities)) int32
        blocks[i]: (rows, *shape of its spec)
        returns: (rows, 1, d_out) float32

    Source:
        Late fusion by concatenation, the strong default of Baltrušaitis, Ahuja, Morency, "Multimodal Machine Learning:
        A Survey and Taxonomy", 2019, section 6.1.

    Examples:
        >>> spec = Spec("said", "text", (16,), "int32", 100).to_dict()
        >>> net = Fusion(2, [3], [spec], ["pool"], d_out=1, settings={"d_embedding": 8, "dropout": 0.0}, d_hidden=16)
        >>> numbers, codes, tokens = torch.zeros(5, 2), torch.zeros(5, 1, dtype=torch.int32), torch.ones(5, 7, dtype=torch.int32)
        >>> net.eval()(numbers, codes, tokens).shape
        torch.Size([5, 1, 1])
    """

    def __init__(
        self,
        n_numbers: int,
        cardinalities: Sequence[int],
        blocks: Sequence[Mapping[str, Any]],
        forms: Sequence[str],
        d_out: int,
        *,
        settings: Mapping[str, Any],
        d_hidden: int = 128,
        n_layers: int = 1,
        dropout: float = 0.2,
        max_one_hot: int = 16,
    ) -> None:
        super().__init__()
        specs = [Spec.from_dict(block) for block in blocks]
        built = [encoders.build(form, spec, settings) for form, spec in zip(forms, specs, strict=True)]
        self.encoders = nn.ModuleList(built)
        self.projections = nn.ModuleList(_projection(int(encoder.width), d_hidden) for encoder in built)
        self.categories = Categories(cardinalities, max_one_hot) if cardinalities else None
        d_table = n_numbers + (sum(self.categories.widths) if self.categories is not None else 0)
        self.table = _projection(d_table, d_hidden) if d_table else None
        layers: list[nn.Module] = [Dropout(dropout)] if dropout else []
        d_in = d_hidden * (len(specs) + (self.table is not None))
        for i in range(n_layers):
            layers += [
                nn.Linear(d_in if i == 0 else d_hidden, d_hidden, bias=False),
                nn.BatchNorm1d(d_hidden),
                nn.ReLU(),
            ]
            layers += [Dropout(dropout)] if dropout else []
        self.hidden = nn.Sequential(*layers)
        self.output = nn.Linear(d_hidden if n_layers else d_in, d_out)
        # the widest layer's cells a row, by which rows are predicted in chunks
        self.width = max([d_hidden, *(getattr(encoder, "cells", encoder.width) for encoder in built)])

    def forward(self, numbers: Tensor, codes: Tensor, *blocks: Tensor) -> Tensor:
        return self.output(self.hidden(self.embed(numbers, codes, *blocks))).unsqueeze(1)

    def embed(self, numbers: Tensor, codes: Tensor, *blocks: Tensor) -> Tensor:
        """Return the joined vectors of all inputs, (rows, n_inputs · d_hidden): what is drawn as a map of the rows."""
        parts = [self.table(joined(numbers, codes, self.categories))] if self.table is not None else []
        for encoder, projection, block in zip(self.encoders, self.projections, blocks, strict=True):
            parts.append(projection(encoder(block)))
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


def _projection(d_in: int, d_hidden: int) -> nn.Module:
    """Bring an input's vector to one width and scale, so that none drowns the others."""
    return nn.Sequential(nn.Linear(d_in, d_hidden, bias=False), nn.BatchNorm1d(d_hidden), nn.ReLU())


def build(architecture: Mapping[str, Any], d_out: int) -> Fusion:
    """Return the network that plain data describes: the keyword arguments of `Fusion`."""
    return Fusion(d_out=d_out, **architecture)
