"""The recurrent forecast: an LSTM reads the window stretch by stretch, and its last state says the whole horizon.

Knows one window at a time; its scale is `_instance`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fieldguide.parts.nets._instance import Instance


class Recurrent(nn.Module):
    """An LSTM whose forget gates begin open, over stretches of `patch` steps; a linear layer from its last state.

    Args:
        window: steps that go in.
        horizon: steps that come out.
        patch: steps read at once; the front is filled with its first value where they do not divide the window.
        d_hidden: width of the state.
        n_layers: LSTM layers.
        dropout: rate in [0, 1) between layers and before the last one.

    Shape:
        window: (rows, window) float32
        returns: (rows, horizon) float32

    Source:
        forget-gate bias 1: Jozefowicz, Zaremba, Sutskever (2015), An Empirical Exploration of Recurrent Network Architectures.

    Examples:
        >>> net = Recurrent(30, 5, patch=4)
        >>> net.eval()(torch.zeros(3, 30)).shape, net.lstm.bias_ih_l0[net.d_hidden].item()
        (torch.Size([3, 5]), 1.0)
    """

    def __init__(
        self, window: int, horizon: int, patch: int = 8, d_hidden: int = 64, n_layers: int = 1, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.patch, self.d_hidden = min(patch, window), d_hidden
        self.front = -window % self.patch
        self.lstm = nn.LSTM(self.patch, d_hidden, n_layers, batch_first=True, dropout=dropout if n_layers > 1 else 0.0)
        for layer in range(n_layers):  # gates stand in the order input, forget, cell, output
            with torch.no_grad():
                getattr(self.lstm, f"bias_ih_l{layer}")[d_hidden : 2 * d_hidden] = 1.0
                getattr(self.lstm, f"bias_hh_l{layer}")[d_hidden : 2 * d_hidden] = 0.0
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(d_hidden, horizon)
        self.width = 4 * d_hidden * (window // self.patch + 1)

    def forward(self, window: Tensor) -> Tensor:
        if self.front:
            window = F.pad(window.unsqueeze(1), (self.front, 0), mode="replicate").squeeze(1)
        states, _ = self.lstm(window.unflatten(1, (-1, self.patch)))
        forecast: Tensor = self.head(self.dropout(states[:, -1]))
        return forecast


def build(architecture: Mapping[str, Any], d_out: int) -> Instance:
    """Return the network that plain data describes."""
    said = dict(architecture)
    around = {name: said.pop(name) for name in ("place", "centre", "target")}
    return Instance(Recurrent(horizon=d_out, **said), window=said["window"], **around)
