"""The patch transformer: stretches of a window are its words.

Knows one window at a time, so that channels and series share all weights; the window's scale is `_instance`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fieldguide.parts.nets._instance import Instance
from fieldguide.parts.nets.dropout import Dropout


class PatchTST(nn.Module):
    """Overlapping patches, a linear embedding with learned places, encoder layers with BatchNorm, one linear layer over all patches.

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

    Shape:
        window: (rows, window) float32
        returns: (rows, horizon) float32

    Source:
        Nie et al. (2023), A Time Series is Worth 64 Words: Long-term Forecasting with Transformers.

    Examples:
        >>> PatchTST(96, 24).eval()(torch.zeros(3, 96)).shape
        torch.Size([3, 24])
    """

    def __init__(
        self, window: int, horizon: int, patch: int = 16, stride: int = 8, d_model: int = 16, n_heads: int = 4, n_layers: int = 3,
        d_hidden: int = 128, dropout: float = 0.3,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch = min(patch, window)
        self.stride = min(stride, self.patch)
        n_patches = (window - self.patch) // self.stride + 2
        self.embed = nn.Linear(self.patch, d_model)
        self.places = nn.Parameter(0.02 * torch.randn(n_patches, d_model))
        self.layers = nn.ModuleList(Layer(d_model, n_heads, d_hidden, dropout) for _ in range(n_layers))
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(n_patches * d_model, horizon)
        self.width = n_patches * max(d_hidden, 3 * d_model)

    def forward(self, window: Tensor) -> Tensor:
        padded = F.pad(window.unsqueeze(1), (0, self.stride), mode="replicate").squeeze(1)
        words = self.dropout(self.embed(padded.unfold(1, self.patch, self.stride)) + self.places)
        for layer in self.layers:
            words = layer(words)
        forecast: Tensor = self.head(words.flatten(1))
        return forecast


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
    said = dict(architecture)
    around = {name: said.pop(name) for name in ("place", "centre", "target")}
    return Instance(PatchTST(horizon=d_out, **said), window=said["window"], **around)
