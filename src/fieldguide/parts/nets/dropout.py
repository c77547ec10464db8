"""Dropout that is cheap on a processor.

Knows one layer. Elsewhere than on a processor it is torch's own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Dropout(nn.Module):
    """Dropout that draws one random byte per cell.

    On a processor torch draws a random number for every cell, which takes a quarter of a training step of TabM; here
    eight cells share the bytes of one 64-bit number. The price: the rate is a multiple of 1/256.

    Args:
        rate: share of cells set to zero in training, in [0, 1).

    Shape:
        returns: as the input

    Examples:
        >>> x = torch.ones(1000, 100)
        >>> y = Dropout(0.1)(x)
        >>> round(float(y.mean()), 1), Dropout(0.1).eval()(x).equal(x)
        (1.0, True)
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.threshold = round(256 * rate)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.threshold:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.rate)
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self.threshold
        return x * kept.to(x.dtype).mul_(256 / (256 - self.threshold))
