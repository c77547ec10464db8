"""The recurrent forecast: an LSTM reads the window stretch by stretch, and its last state says the whole horizon.

Knows one window at a time, and what stands beside it; its scale is `_instance`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fieldguide.parts.nets._beside import NOTHING, Beside, Decoder, Widths, channels
from fieldguide.parts.nets._instance import Instance, instance_of


class Recurrent(nn.Module):
    """An LSTM whose forget gates begin open, over stretches of `patch` steps; a linear layer from its last state.

    What stands beside the window is read with it, stretch by stretch, and what does not change again at each of them; a decoder adds
    what is known of the coming steps.

    Args:
        window: steps that go in.
        horizon: steps that come out.
        patch: steps read at once; the front is filled with its first value where they do not divide the window.
        d_hidden: width of the state.
        n_layers: LSTM layers.
        dropout: rate in [0, 1) between layers and before the last one.
        beside: how many columns stand beside the window.

    Shape:
        window: (rows, window) float32
        beside: see `Beside`
        returns: (rows, horizon) float32

    Source:
        forget-gate bias 1: Jozefowicz, Zaremba, Sutskever (2015), An Empirical Exploration of Recurrent Network Architectures. Columns
        beside the series as inputs of every step: Salinas et al. (2020), DeepAR; the decoder: Wen et al. (2017), A Multi-Horizon
        Quantile Recurrent Forecaster.

    Examples:
        >>> net = Recurrent(30, 5, patch=4)
        >>> net.eval()(torch.zeros(3, 30)).shape, net.lstm.bias_ih_l0[net.d_hidden].item()
        (torch.Size([3, 5]), 1.0)
    """

    def __init__(
        self, window: int, horizon: int, patch: int = 8, d_hidden: int = 64, n_layers: int = 1, dropout: float = 0.1,
        beside: Widths = NOTHING,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch, self.d_hidden = min(patch, window), d_hidden
        self.front = -window % self.patch
        d_in = self.patch * (1 + beside.past) + beside.static
        self.lstm = nn.LSTM(d_in, d_hidden, n_layers, batch_first=True, dropout=dropout if n_layers > 1 else 0.0)
        for layer in range(n_layers):  # gates stand in the order input, forget, cell, output
            with torch.no_grad():
                getattr(self.lstm, f"bias_ih_l{layer}")[d_hidden : 2 * d_hidden] = 1.0
                getattr(self.lstm, f"bias_hh_l{layer}")[d_hidden : 2 * d_hidden] = 0.0
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(d_hidden, horizon)
        self.decoder = Decoder(d_hidden, beside.known) if beside.known else None
        self.width = max(4 * d_hidden * (window // self.patch + 1), 64 * horizon * bool(beside.known))

    def forward(self, window: Tensor, beside: Beside | None = None) -> Tensor:
        read = channels(window, None if beside is None else beside.past)
        if self.front:
            read = F.pad(read, (self.front, 0), mode="replicate")
        stretches = read.unflatten(2, (-1, self.patch)).transpose(1, 2).flatten(2)
        if beside is not None:
            stretches = torch.cat([stretches, beside.static.unsqueeze(1).expand(-1, stretches.shape[1], -1)], 2)
        states, _ = self.lstm(stretches)
        state = self.dropout(states[:, -1])
        forecast: Tensor = self.head(state)
        return forecast if self.decoder is None or beside is None else self.decoder(forecast, state, beside.future)


def build(architecture: Mapping[str, Any], d_out: int) -> Instance:
    """Return the network that plain data describes."""
    return instance_of(Recurrent, architecture, d_out)
