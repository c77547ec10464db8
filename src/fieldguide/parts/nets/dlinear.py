"""The decomposed linear forecast: a slow course and what is left of it, each with one linear layer.

Knows one window at a time; its scale is `_instance`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fieldguide.parts.nets._instance import Instance


class DLinear(nn.Module):
    """A moving average of the window and the rest, a linear layer each, added.

    Args:
        window: steps that go in.
        horizon: steps that come out.
        kernel: steps of the moving average; the ends are continued by their values.

    Shape:
        window: (rows, window) float32
        returns: (rows, horizon) float32

    Source:
        Zeng et al. (2023), Are Transformers Effective for Time Series Forecasting?

    Examples:
        >>> DLinear(24, 6)(torch.zeros(3, 24)).shape
        torch.Size([3, 6])
    """

    def __init__(self, window: int, horizon: int, kernel: int = 25, dropout: float = 0.0) -> None:
        super().__init__()
        self.kernel = min(kernel, window) // 2 * 2 + 1 if window > 2 else 1
        self.dropout = nn.Dropout(dropout)
        self.slow, self.rest = nn.Linear(window, horizon), nn.Linear(window, horizon)
        for layer in (self.slow, self.rest):  # the mean of the window, to begin with
            nn.init.constant_(layer.weight, 1.0 / window)
            nn.init.zeros_(layer.bias)
        self.width = 2 * window + horizon

    def forward(self, window: Tensor) -> Tensor:
        edge = self.kernel // 2
        padded = F.pad(window.unsqueeze(1), (edge, edge), mode="replicate")
        slow = F.avg_pool1d(padded, self.kernel, 1).squeeze(1)
        return torch.add(self.slow(slow), self.rest(self.dropout(window - slow)))


def build(architecture: Mapping[str, Any], d_out: int) -> Instance:
    """Return the network that plain data describes."""
    said = dict(architecture)
    around = {name: said.pop(name) for name in ("place", "centre", "target")}
    return Instance(DLinear(horizon=d_out, **said), window=said["window"], **around)
