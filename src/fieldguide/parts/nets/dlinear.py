"""The decomposed linear forecast: a slow course and what is left of it, each with one linear layer.

Knows one window at a time, and what stands beside it; its scale is `_instance`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fieldguide.parts.nets._beside import NOTHING, Beside, Regression, Widths, linear_to
from fieldguide.parts.nets._instance import Instance, instance_of

LEAST_NEWEST = 12
"""Newest steps of what was seen beside a window that are looked at, or as many as are forecast: all of them have too many weights."""


class DLinear(nn.Module):
    """A moving average of the window and the rest, a linear layer each, added.

    What is known beforehand explains every step alike, past or coming: the layers forecast what it leaves of the window, and it is
    added again for the coming steps. The newest steps of what was seen beside the window, and what does not change, have a linear layer each.

    Args:
        window: steps that go in.
        horizon: steps that come out.
        kernel: steps of the moving average; the ends are continued by their values.
        beside: how many columns stand beside the window.

    Shape:
        window: (rows, window) float32
        beside: see `Beside`
        returns: (rows, horizon) float32

    Source:
        Zeng et al. (2023), Are Transformers Effective for Time Series Forecasting? Columns beside the series: a model of the errors of a
        regression, Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", chapter 10; a linear layer for each kind of
        column, as in the package darts (`DLinearModel`).

    Examples:
        >>> DLinear(24, 6)(torch.zeros(3, 24)).shape
        torch.Size([3, 6])
    """

    def __init__(
        self, window: int, horizon: int, kernel: int = 25, dropout: float = 0.0, beside: Widths = NOTHING
    ) -> None:
        super().__init__()
        self.kernel = min(kernel, window) // 2 * 2 + 1 if window > 2 else 1
        self.dropout = nn.Dropout(dropout)
        self.slow, self.rest = nn.Linear(window, horizon), nn.Linear(window, horizon)
        for layer in (self.slow, self.rest):  # the mean of the window, to begin with
            nn.init.constant_(layer.weight, 1.0 / window)
            nn.init.zeros_(layer.bias)
        self.n_known = beside.known
        self.known = Regression(beside.known) if beside.known else None
        self.newest = min(window, max(LEAST_NEWEST, horizon))
        self.observed = linear_to(self.newest * beside.observed, horizon) if beside.observed else None
        self.static = linear_to(beside.static, horizon) if beside.static else None
        self.width = 2 * window + horizon + (window + horizon) * 16 * bool(beside.known) + self.newest * beside.observed

    def forward(self, window: Tensor, beside: Beside | None = None) -> Tensor:
        if beside is None:
            return self._of(window)
        past, coming, static = beside
        if self.known is not None:
            forecast = self._of(window - self.known(past[:, :, : self.n_known])) + self.known(coming)
        else:
            forecast = self._of(window)
        if self.observed is not None:
            forecast = forecast + self.observed(past[:, -self.newest :, self.n_known :].flatten(1))
        return forecast if self.static is None else forecast + self.static(static)

    def _of(self, window: Tensor) -> Tensor:
        edge = self.kernel // 2
        padded = F.pad(window.unsqueeze(1), (edge, edge), mode="replicate")
        slow = F.avg_pool1d(padded, self.kernel, 1).squeeze(1)
        return torch.add(self.slow(slow), self.rest(self.dropout(window - slow)))


def build(architecture: Mapping[str, Any], d_out: int) -> Instance:
    """Return the network that plain data describes."""
    return instance_of(DLinear, architecture, d_out)
