"""Instance normalisation of windows: each on its own scale going in, its forecast back on that scale coming out.

Knows windows and forecasts as arrays; what lies between is the networks'.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Instance(nn.Module):
    """A network between two scales: the window's own, and that of standardised targets.

    A window is centred (by its mean or its last value) and divided by its standard deviation, the network forecasts on that scale, and
    the forecast is taken back. So a series that is shifted or stretched has its forecast shifted and stretched, trained or not.

    Args:
        inner: from (rows, window) to (rows, horizon).
        place: which block holds the windows.
        window: the last steps that are looked at.
        centre: "mean" or "last".
        target: centre and scale of each step of the targets as the loss has them.

    Shape:
        blocks[place]: (rows, steps) float32
        returns: (rows, 1, horizon) float32

    Source:
        Kim et al. (2022), Reversible Instance Normalization for Accurate Time-Series Forecasting against Distribution Shift.

    Examples:
        >>> net = Instance(nn.Linear(4, 2), 0, 4, "last", ([0.0, 0.0], [1.0, 1.0]))
        >>> x = torch.tensor([[9.0, 1.0, 2.0, 4.0, 3.0]])
        >>> torch.allclose(net(None, None, 10 * x + 5), 10 * net(None, None, x) + 5, atol=1e-4)
        True
    """

    def __init__(
        self, inner: nn.Module, place: int, window: int, centre: str, target: tuple[Sequence[float], Sequence[float]]
    ) -> None:
        super().__init__()
        self.inner, self.place, self.window, self.last = inner, place, window, centre == "last"
        self.register_buffer("target_centre", torch.tensor(target[0], dtype=torch.float32), persistent=False)
        self.register_buffer("target_scale", torch.tensor(target[1], dtype=torch.float32), persistent=False)
        self.width = int(getattr(inner, "width", 512))

    def forward(self, numbers: Tensor, codes: Tensor, *blocks: Tensor) -> Tensor:
        window = blocks[self.place][:, -self.window :].float()
        centre = window[:, -1:] if self.last else window.mean(1, keepdim=True)
        spread = (window - window.mean(1, keepdim=True)).square().mean(1, keepdim=True).sqrt()
        least = 1e-5 * window.abs().amax(1, keepdim=True)
        spread = torch.where(spread > least, spread, torch.ones_like(spread))
        forecast = self.inner((window - centre) / spread).float() * spread + centre
        logits: Tensor = (forecast - self.target_centre) / self.target_scale
        return logits.unsqueeze(1)
