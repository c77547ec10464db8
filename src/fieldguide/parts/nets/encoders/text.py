"""Encoders of texts: tokens in, one vector a row out. What is padding has no part in any of them.

Knows codes, masks and layers; nothing of words or of training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.parts.nets.encoders._pretrained import Backbone

PADDING = 0
CELLS = {"pool": 2, "cnn": 4, "lstm": 6, "gru": 6, "transformer": 12, "checkpoint": 12}
"""Activations that a token has at once, in widths of an embedding: what bounds the rows predicted at a time."""
FORMS = tuple(CELLS)


class Pool(nn.Module):
    """Embeddings, their mean and their greatest values.

    Shape:
        tokens: (rows, length) int32; 0 is padding
        returns: (rows, 2 · d_embedding) float32

    Source:
        Shen et al., "Baseline Needs More Love" (SWEM-concat), ACL 2018.

    Examples:
        >>> Pool(size=100, d_embedding=8)(torch.tensor([[3, 4, 0]])).shape
        torch.Size([1, 16])
    """

    def __init__(self, size: int, d_embedding: int = 128, dropout: float = 0.2) -> None:
        super().__init__()
        self.embedding = embedding_of(size, d_embedding)
        self.dropout = nn.Dropout(dropout)
        self.width = 2 * d_embedding

    def forward(self, tokens: Tensor) -> Tensor:
        known = (tokens != PADDING).unsqueeze(2)
        cells = self.dropout(self.embedding(tokens))
        return torch.cat([masked_mean(cells, known), masked_max(cells, known)], 1)


class Convolutions(nn.Module):
    """Filters over three, four and five neighbouring words, and the strongest answer of each.

    Shape:
        tokens: (rows, length) int32
        returns: (rows, 3 · n_filters) float32

    Source:
        Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014.

    Examples:
        >>> Convolutions(size=100, d_embedding=8, n_filters=4)(torch.tensor([[3, 4, 0]])).shape
        torch.Size([1, 12])
    """

    def __init__(self, size: int, d_embedding: int = 128, n_filters: int = 100, dropout: float = 0.2) -> None:
        super().__init__()
        self.embedding = embedding_of(size, d_embedding)
        self.dropout = nn.Dropout(dropout)
        self.filters = nn.ModuleList(nn.Conv1d(d_embedding, n_filters, n, padding=n - 1) for n in (3, 4, 5))
        self.width = 3 * n_filters

    def forward(self, tokens: Tensor) -> Tensor:
        known = (tokens != PADDING).unsqueeze(2)
        cells = (self.dropout(self.embedding(tokens)) * known).transpose(1, 2)
        found = []
        for n, layer in zip((3, 4, 5), self.filters):
            answers = torch.relu(layer(cells)).transpose(1, 2)
            # an answer counts where its window holds a word: the row's length and n - 1 more
            found.append(masked_max(answers, widened(known, n - 1)))
        return torch.cat(found, 1)


class Recurrent(nn.Module):
    """An LSTM or GRU over the words; the mean of its states and the last one.

    The forget gate starts open (bias 1), so that early words are not forgotten before anything was learned.

    Shape:
        tokens: (rows, length) int32
        returns: (rows, 2 · d_state) float32

    Source:
        Jozefowicz, Zaremba, Sutskever, "An Empirical Exploration of Recurrent Network Architectures", ICML 2015.

    Examples:
        >>> Recurrent("lstm", size=100, d_embedding=8, d_state=16)(torch.tensor([[3, 4, 0]])).shape
        torch.Size([1, 32])
    """

    def __init__(self, form: str, size: int, d_embedding: int = 128, d_state: int = 128, dropout: float = 0.2) -> None:
        super().__init__()
        self.embedding = embedding_of(size, d_embedding)
        self.dropout = nn.Dropout(dropout)
        self.layer: nn.LSTM | nn.GRU
        if form == "lstm":
            self.layer = nn.LSTM(d_embedding, d_state, batch_first=True)
            open_forget_gates(self.layer)
        else:
            self.layer = nn.GRU(d_embedding, d_state, batch_first=True)
        self.width = 2 * d_state

    def forward(self, tokens: Tensor) -> Tensor:
        known = (tokens != PADDING).unsqueeze(2)
        states = self.layer(self.dropout(self.embedding(tokens)))[0]
        # padding stands at the end, so what an earlier state says does not depend on it
        last = (known.sum(1) - 1).clamp(min=0).unsqueeze(2).expand(-1, 1, states.shape[2])
        ended = states.gather(1, last).squeeze(1) * known.any(1)
        return torch.cat([masked_mean(states, known), ended], 1)


class Transformer(nn.Module):
    """A small transformer encoder with learned places; the mean over the words.

    Shape:
        tokens: (rows, length) int32, length at most `longest`
        returns: (rows, d_embedding) float32

    Source:
        Vaswani et al., "Attention Is All You Need", 2017; layer normalisation first, as Xiong et al. 2020.

    Examples:
        >>> Transformer(size=100, longest=16, d_embedding=32)(torch.tensor([[3, 4, 0]])).shape
        torch.Size([1, 32])
    """

    def __init__(
        self, size: int, longest: int, d_embedding: int = 128, n_heads: int = 4, n_blocks: int = 2, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.embedding = embedding_of(size, d_embedding)
        self.places = nn.Parameter(torch.randn(longest, d_embedding) * d_embedding**-0.5)
        self.blocks = nn.ModuleList(AttentionBlock(d_embedding, n_heads, dropout) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(d_embedding)
        self.dropout = nn.Dropout(dropout)
        self.width = d_embedding

    def forward(self, tokens: Tensor) -> Tensor:
        known = tokens != PADDING
        cells = self.dropout(self.embedding(tokens) + self.places[: tokens.shape[1]])
        # a row without words attends to its padding, which no score of another row can see
        seen = (known | ~known.any(1, keepdim=True)).unsqueeze(1).unsqueeze(1)
        for block in self.blocks:
            cells = block(cells, seen)
        return masked_mean(self.norm(cells), known.unsqueeze(2))


class Pretrained(nn.Module):
    """A checkpoint's encoder; the mean of its last states over the pieces of a text.

    Args:
        config: the checkpoint's configuration.
        unfrozen: later layers that learn [layers]; 0: none; -1: all.

    Shape:
        tokens: (rows, length) int32, the checkpoint's codes plus 1; 0 is padding
        returns: (rows, hidden size) float32

    Source:
        Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018 (later layers first);
        Reimers and Gurevych, "Sentence-BERT", EMNLP 2019 (the mean of the states).
    """

    def __init__(self, config: Mapping[str, Any], unfrozen: int = 0) -> None:
        super().__init__()
        self.backbone = Backbone(config, unfrozen)
        self.width = int(config["hidden_size"])

    def forward(self, tokens: Tensor) -> Tensor:
        known = tokens != PADDING
        # attention over nothing has no answer: a row without pieces attends to its padding, and its mean stays 0
        seen = (known | ~known.any(1, keepdim=True)).long()
        states = self.backbone(input_ids=(tokens.long() - 1).clamp(min=0), attention_mask=seen).last_hidden_state
        return masked_mean(states, known.unsqueeze(2)) * self.width**0.5 / 4.0


class AttentionBlock(nn.Module):
    """Self-attention and two linear layers, each after a layer normalisation and added to what came in.

    Shape:
        cells: (rows, length, d) float32
        seen: (rows, 1, 1, length) bool, where attention may look
        returns: (rows, length, d) float32
    """

    def __init__(self, d: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.before, self.between = nn.LayerNorm(d), nn.LayerNorm(d)
        self.asked = nn.Linear(d, 3 * d)
        self.told = nn.Linear(d, d)
        self.hidden = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * d, d))
        self.dropout = nn.Dropout(dropout)

    def forward(self, cells: Tensor, seen: Tensor) -> Tensor:
        parts = self.asked(self.before(cells)).unflatten(2, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        answered = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=seen)
        cells = cells + self.dropout(self.told(answered.transpose(1, 2).flatten(2)))
        return cells + self.dropout(self.hidden(self.between(cells)))


def embedding_of(size: int, d_embedding: int) -> nn.Embedding:
    """Return an embedding whose padding stays zero; vectors start at length about 1."""
    table = nn.Embedding(size, d_embedding, padding_idx=PADDING)
    with torch.no_grad():
        nn.init.normal_(table.weight, std=d_embedding**-0.5)
        table.weight[PADDING] = 0.0
    return table


def open_forget_gates(layer: nn.LSTM) -> None:
    """Set the forget gates' bias to 1; torch keeps two biases per gate, of which one gets it."""
    with torch.no_grad():
        for name, bias in layer.named_parameters():
            if name.startswith("bias_ih"):
                bias[layer.hidden_size : 2 * layer.hidden_size] = 1.0
            elif name.startswith("bias_hh"):
                bias[layer.hidden_size : 2 * layer.hidden_size] = 0.0


def masked_mean(cells: Tensor, known: Tensor) -> Tensor:
    """Return the mean over the known places, 0 where there is none: (rows, length, d) to (rows, d)."""
    return (cells * known).sum(1) / known.sum(1).clamp(min=1)


def masked_max(cells: Tensor, known: Tensor) -> Tensor:
    """Return the greatest value over the known places, 0 where there is none: (rows, length, d) to (rows, d)."""
    greatest = cells.masked_fill(~known, -torch.inf).amax(1)
    return greatest.masked_fill(~known.any(1), 0.0)  # a NaN stays one, so that training sees it


def widened(known: Tensor, n: int) -> Tensor:
    """Return where a window of n + 1 places holds a known one, for `n` zeros on each side: (rows, length + n, 1)."""
    rows, _, _ = known.shape
    more = known.new_zeros((rows, n, 1))
    cells = torch.cat([more, known, more], 1)
    length = known.shape[1] + n
    found = cells[:, :length]
    for shift in range(1, n + 1):
        found = found | cells[:, shift : shift + length]
    return found


def build(form: str, spec: Any, settings: Mapping[str, Any]) -> nn.Module:
    """Return the text encoder of a name, for a block of tokens."""
    shared = {"size": spec.size, "d_embedding": settings["d_embedding"], "dropout": settings["dropout"]}
    encoder: nn.Module
    if form == "pool":
        encoder = Pool(**shared)
    elif form == "cnn":
        encoder = Convolutions(**shared)
    elif form == "transformer":
        encoder = Transformer(longest=spec.shape[0], **shared)
    elif form == "checkpoint":
        encoder = Pretrained(settings["checkpoints"][spec.checkpoint], settings["unfrozen"])
    else:
        encoder = Recurrent(form, **shared)
    width = encoder.width if form == "checkpoint" else settings["d_embedding"]
    encoder.cells = spec.shape[0] * CELLS[form] * width
    return encoder
