"""Encoders of series in cells: channels over steps in, one vector a row out. What lies after a series' end has no part in it.

Knows channels, masks and layers; nothing of what is measured or of training. The last channel marks where a series is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.parts.nets.encoders.text import masked_mean, open_forget_gates

FORMS = ("resnet", "fcn", "lstm", "gru")


class Convolved(nn.Module):
    """Convolution and BatchNorm over the steps a series has.

    Shape:
        cells: (rows, d_in, steps) float32; known: (rows, 1, steps), 1 where the series is
        returns: (rows, d_out, steps) float32
    """

    def __init__(self, d_in: int, d_out: int, kernel: int) -> None:
        super().__init__()
        self.layer = nn.Conv1d(d_in, d_out, kernel, padding="same", bias=False)
        self.norm = nn.BatchNorm1d(d_out)

    def forward(self, cells: Tensor, known: Tensor) -> Tensor:
        return self.norm(self.layer(cells * known))


class FCN(nn.Module):
    """Three convolutions with BatchNorm, over 7, 5 and 3 steps (8 in the paper: an odd one has a middle); the mean over the steps.

    Shape:
        series: (rows, channels + 1, steps) float32
        returns: (rows, d_embedding) float32

    Source:
        Wang, Yan, Oates, "Time Series Classification from Scratch with Deep Neural Networks: A Strong Baseline", IJCNN 2017.

    Examples:
        >>> FCN(channels=2, d_embedding=16).eval()(torch.ones(4, 3, 30)).shape
        torch.Size([4, 16])
    """

    def __init__(self, channels: int, d_embedding: int = 128, dropout: float = 0.0) -> None:
        super().__init__()
        widths = (d_embedding, 2 * d_embedding, d_embedding)
        pairs = zip((channels, *widths), widths, (7, 5, 3))
        self.layers = nn.ModuleList(Convolved(d_in, d_out, kernel) for d_in, d_out, kernel in pairs)
        self.dropout = nn.Dropout(dropout)
        self.width = d_embedding

    def forward(self, series: Tensor) -> Tensor:
        cells, known = series[:, :-1], series[:, -1:]
        for layer in self.layers:
            cells = torch.relu(layer(cells, known))
        return self.dropout(masked_mean(cells.transpose(1, 2), known.transpose(1, 2)))


class ResNet(nn.Module):
    """Three residual blocks of such convolutions; the mean over the steps.

    Shape:
        series: (rows, channels + 1, steps) float32
        returns: (rows, 2 · d_embedding) float32

    Source:
        Wang, Yan, Oates 2017, as for `FCN`.

    Examples:
        >>> ResNet(channels=2, d_embedding=16).eval()(torch.ones(4, 3, 30)).shape
        torch.Size([4, 32])
    """

    def __init__(self, channels: int, d_embedding: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        widths = (d_embedding, 2 * d_embedding, 2 * d_embedding)
        self.blocks = nn.ModuleList(_Block(d_in, d_out) for d_in, d_out in zip((channels, *widths), widths))
        self.dropout = nn.Dropout(dropout)
        self.width = widths[-1]

    def forward(self, series: Tensor) -> Tensor:
        cells, known = series[:, :-1], series[:, -1:]
        for block in self.blocks:
            cells = block(cells, known)
        return self.dropout(masked_mean(cells.transpose(1, 2), known.transpose(1, 2)))


class _Block(nn.Module):
    def __init__(self, d_in: int, d_out: int, kernels: Sequence[int] = (7, 5, 3)) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            Convolved(d_in if i == 0 else d_out, d_out, kernel) for i, kernel in enumerate(kernels)
        )
        self.past = Convolved(d_in, d_out, 1)

    def forward(self, cells: Tensor, known: Tensor) -> Tensor:
        past = self.past(cells, known)
        for layer in self.layers[:-1]:
            cells = torch.relu(layer(cells, known))
        return torch.relu(self.layers[-1](cells, known) + past)


class Recurrent(nn.Module):
    """An LSTM or GRU over the steps; the mean of its states and the last one. The forget gate starts open (bias 1).

    Shape:
        series: (rows, channels + 1, steps) float32
        returns: (rows, 2 · d_embedding) float32

    Source:
        Jozefowicz, Zaremba, Sutskever 2015.

    Examples:
        >>> Recurrent("lstm", channels=2, d_embedding=16).eval()(torch.ones(4, 3, 30)).shape
        torch.Size([4, 32])
    """

    def __init__(self, form: str, channels: int, d_embedding: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        self.layer: nn.LSTM | nn.GRU
        if form == "lstm":
            self.layer = nn.LSTM(channels, d_embedding, batch_first=True)
            open_forget_gates(self.layer)
        else:
            self.layer = nn.GRU(channels, d_embedding, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.width = 2 * d_embedding

    def forward(self, series: Tensor) -> Tensor:
        known = series[:, -1:].transpose(1, 2)
        states = self.layer(series[:, :-1].transpose(1, 2))[0]
        last = (known.sum(1) - 1).clamp(min=0).long().unsqueeze(2).expand(-1, 1, states.shape[2])
        ended = states.gather(1, last).squeeze(1) * (known.sum(1) > 0)
        return self.dropout(torch.cat([masked_mean(states, known), ended], 1))


def build(form: str, spec: Any, settings: Mapping[str, Any]) -> nn.Module:
    """Return the series encoder of a name, for a block of series."""
    channels, shared = spec.shape[0] - 1, {"d_embedding": settings["d_embedding"], "dropout": settings["dropout"]}
    encoder: nn.Module
    if form in ("lstm", "gru"):
        encoder = Recurrent(form, channels, **shared)
    else:
        encoder = (ResNet if form == "resnet" else FCN)(channels, **shared)
    encoder.cells = 8 * settings["d_embedding"] * spec.shape[1]
    return encoder
