"""The patch transformer: stretches of a window are its words.

Knows one window at a time, and what stands beside it, so that channels and series share all weights; the window's scale is `_instance`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fieldguide.parts.nets._beside import NOTHING, Beside, Decoder, Widths, channels
from fieldguide.parts.nets._instance import Instance, instance_of
from fieldguide.parts.nets.dropout import Dropout


class PatchTST(nn.Module):
    """Overlapping patches, a linear embedding with learned places, encoder layers with BatchNorm, one linear layer over all patches.

    Columns beside the window are cut into the same patches and embedded with it; what does not change is one patch more. A decoder
    adds what is known of the coming steps.

    Args:
        window: steps that go in.
        horizon: steps that come out.
        patch: steps of a patch.
        stride: steps between patches; the last value is repeated at the end, so that one patch more fits.
        d_model: width of a patch's vector.
        n_heads: attention heads.
        n_layers: encoder layers.
        d_hidden: width inside each layer's feed-forward part.
        dropout: rate in [0, 1) in every layer and after the embedding.
        beside: how many columns stand beside the window.

    Shape:
        window: (rows, window) float32
        beside: see `Beside`
        returns: (rows, horizon) float32

    Source:
        Nie et al. (2023), A Time Series is Worth 64 Words: Long-term Forecasting with Transformers. It reads the series alone; columns
        beside it as words of their own: Wang et al. (2024), TimeXer; the decoder: Das et al. (2023), Long-term Forecasting with TiDE.

    Examples:
        >>> PatchTST(96, 24).eval()(torch.zeros(3, 96)).shape
        torch.Size([3, 24])
    """

    def __init__(
        self, window: int, horizon: int, patch: int = 16, stride: int = 8, d_model: int = 16, n_heads: int = 4, n_layers: int = 3,
        d_hidden: int = 128, dropout: float = 0.3, beside: Widths = NOTHING,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch = min(patch, window)
        self.stride = min(stride, self.patch)
        n_patches = (window - self.patch) // self.stride + 2
        self.embed = nn.Linear(self.patch * (1 + beside.past), d_model)
        self.static = nn.Linear(beside.static, d_model) if beside.static else None
        n_patches += self.static is not None
        self.places = nn.Parameter(0.02 * torch.randn(n_patches, d_model))
        self.layers = nn.ModuleList(Layer(d_model, n_heads, d_hidden, dropout) for _ in range(n_layers))
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(n_patches * d_model, horizon)
        self.decoder = Decoder(n_patches * d_model, beside.known) if beside.known else None
        self.width = max(n_patches * max(d_hidden, 3 * d_model), 64 * horizon * bool(beside.known))

    def forward(self, window: Tensor, beside: Beside | None = None) -> Tensor:
        read = channels(window, None if beside is None else beside.past)
        patches = F.pad(read, (0, self.stride), mode="replicate").unfold(2, self.patch, self.stride)
        words = self.embed(patches.transpose(1, 2).flatten(2))
        if self.static is not None and beside is not None:
            words = torch.cat([words, self.static(beside.static).unsqueeze(1)], 1)
        words = self.dropout(words + self.places)
        for layer in self.layers:
            words = layer(words)
        said = words.flatten(1)
        forecast: Tensor = self.head(said)
        return forecast if self.decoder is None or beside is None else self.decoder(forecast, said, beside.future)


class Layer(nn.Module):
    """Self-attention and a feed-forward part, each added and then batch-normalised over rows and patches.

    Shape:
        words: (rows, patches, d_model) float32; returns: the same

    Examples:
        >>> Layer(16, 4, 32, 0.1).eval()(torch.zeros(2, 5, 16)).shape
        torch.Size([2, 5, 16])
    """

    def __init__(self, d_model: int, n_heads: int, d_hidden: int, dropout: float) -> None:
        super().__init__()
        self.n_heads, self.dropout = n_heads, Dropout(dropout)
        self.qkv, self.out = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.forth = nn.Sequential(
            nn.Linear(d_model, d_hidden), nn.GELU(), Dropout(dropout), nn.Linear(d_hidden, d_model)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(d_model) for _ in range(2))

    def forward(self, words: Tensor) -> Tensor:
        rows, n, d = words.shape
        q, k, v = self.qkv(words).view(rows, n, 3, self.n_heads, d // self.n_heads).permute(2, 0, 3, 1, 4).unbind(0)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(rows, n, d)
        words = self._normed(0, words + self.dropout(self.out(seen)))
        return self._normed(1, words + self.dropout(self.forth(words)))

    def _normed(self, which: int, words: Tensor) -> Tensor:
        normed: Tensor = self.norms[which](words.flatten(0, 1)).view_as(words)
        return normed


def build(architecture: Mapping[str, Any], d_out: int) -> Instance:
    """Return the network that plain data describes."""
    return instance_of(PatchTST, architecture, d_out)
