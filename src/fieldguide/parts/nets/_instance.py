"""Instance normalisation of windows: each on its own scale going in, its forecast back on that scale coming out.

Knows windows and forecasts as arrays; what lies between is the networks', what stands beside a window `_beside`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.parts.nets._beside import Reader, Widths, reader_of


class Instance(nn.Module):
    """A network between two scales: the window's own, and that of standardised targets.

    A window is centred (by its mean or its last value) and divided by its standard deviation, the network forecasts on that scale, and
    the forecast is taken back. So a series that is shifted or stretched has its forecast shifted and stretched, trained or not. Columns
    beside the series keep the scale they were encoded on.

    Args:
        inner: from (rows, window), and what stands beside it where there is a reader, to (rows, horizon).
        place: which block holds the windows.
        window: the last steps that are looked at.
        centre: "mean" or "last".
        target: centre and scale of each step of the targets as the loss has them.
        reader: finds what stands beside the windows; None: nothing does.

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
        self, inner: nn.Module, place: int, window: int, centre: str, target: tuple[Sequence[float], Sequence[float]],
        reader: Reader | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.inner, self.place, self.window, self.last = inner, place, window, centre == "last"
        self.reader = reader
        self.register_buffer("target_centre", torch.tensor(target[0], dtype=torch.float32), persistent=False)
        self.register_buffer("target_scale", torch.tensor(target[1], dtype=torch.float32), persistent=False)
        self.width = int(getattr(inner, "width", 512))

    def forward(self, numbers: Tensor, codes: Tensor, *blocks: Tensor) -> Tensor:
        window = blocks[self.place][:, -self.window :].float()
        centre = window[:, -1:] if self.last else window.mean(1, keepdim=True)
        spread = (window - window.mean(1, keepdim=True)).square().mean(1, keepdim=True).sqrt()
        least = 1e-5 * window.abs().amax(1, keepdim=True)
        spread = torch.where(spread > least, spread, torch.ones_like(spread))
        own = (window - centre) / spread
        answer = self.inner(own) if self.reader is None else self.inner(own, self.reader(numbers, codes, *blocks))
        forecast = answer.float() * spread + centre
        logits: Tensor = (forecast - self.target_centre) / self.target_scale
        return logits.unsqueeze(1)


def instance_of(net: Callable[..., nn.Module], architecture: Mapping[str, Any], d_out: int) -> Instance:
    """Return a network of windows that plain data describes, between its two scales.

    Args:
        net: makes the inner network from `window`, `horizon`, `beside` (how many columns there are) and its own settings.
        architecture: what `parts.learners._forecaster.around` tells every network, and the inner network's own.
    """
    said = dict(architecture)
    around = {name: said.pop(name) for name in ("place", "centre", "target")}
    reader = reader_of(said.pop("beside", None), said["window"], d_out)
    inner = net(horizon=d_out, beside=Widths() if reader is None else reader.widths, **said)
    return Instance(inner, window=said["window"], reader=reader, **around)
