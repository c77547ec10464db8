"""Encoders of images: pixels in, one vector a row out.

Knows channels, strides and layers; nothing of files or of training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.parts.nets.encoders._pretrained import Backbone

FORMS = ("resnet", "checkpoint")
LEAST = 4  # pixels a side, below which a map is not halved any more


class Residual(nn.Module):
    """Two convolutions with BatchNorm, added to what came in; the second BatchNorm starts at zero.

    Shape:
        cells: (rows, d_in, height, width) float32
        returns: (rows, d_out, height / stride, width / stride) float32

    Source:
        He, Zhang, Ren, Sun, "Deep Residual Learning", 2015; zero start: Goyal et al. 2017, section 5.1.
    """

    def __init__(self, d_in: int, d_out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(d_in, d_out, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(d_out, d_out, 3, padding=1, bias=False)
        self.first_norm, self.second_norm = nn.BatchNorm2d(d_out), nn.BatchNorm2d(d_out)
        nn.init.zeros_(self.second_norm.weight)
        shrinks = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.past = (
            nn.Sequential(shrinks, nn.Conv2d(d_in, d_out, 1, bias=False))
            if d_in != d_out or stride > 1
            else nn.Identity()
        )

    def forward(self, cells: Tensor) -> Tensor:
        found = torch.relu(self.first_norm(self.first(cells)))
        return torch.relu(self.second_norm(self.second(found)) + self.past(cells))


class ResNet(nn.Module):
    """A small residual network: the picture is halved and the channels doubled from stage to stage, then averaged.

    Args:
        channels: of the picture.
        side: height and width [pixels]; decides how often it can be halved.
        d_embedding: width of the last stage, and of the vector.
        dropout: rate in [0, 1) on the vector.

    Shape:
        pixels: (rows, channels, side, side) float32
        returns: (rows, d_embedding) float32

    Examples:
        >>> ResNet(channels=3, side=32, d_embedding=32).eval()(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 32])
    """

    def __init__(self, channels: int, side: int, d_embedding: int = 128, dropout: float = 0.2) -> None:
        super().__init__()
        strides = _strides(side)
        widths = [max(8, d_embedding // 2 ** (len(strides) - 1 - i)) for i in range(len(strides))]
        widths[-1] = d_embedding
        first = 2 if side >= 48 else 1  # a large picture is halved at once: most of the work is in the first maps
        layers: list[nn.Module] = [
            nn.Conv2d(channels, widths[0], 5 if side >= 48 else 3, first, padding=2 if side >= 48 else 1, bias=False),
            nn.BatchNorm2d(widths[0]), nn.ReLU(),
        ]  # fmt: skip
        for i, stride in enumerate(strides):
            layers.append(Residual(widths[max(i - 1, 0)], widths[i], stride))
        self.layers = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.width = d_embedding
        self.cells = 3 * widths[0] * (side // first) ** 2  # the most activations of one row in a layer, and beside it

    def forward(self, pixels: Tensor) -> Tensor:
        return self.dropout(self.layers(pixels).mean(dim=(2, 3)))


class Pretrained(nn.Module):
    """A checkpoint's image encoder; the mean of its last map.

    Args:
        config: the checkpoint's configuration.
        side: height and width of its pixels.
        unfrozen: later layers that learn [layers]; 0: none; -1: all.

    Shape:
        pixels: (rows, 3, side, side) float32, scaled as the checkpoint was trained
        returns: (rows, width) float32
    """

    def __init__(self, config: Mapping[str, Any], side: int, unfrozen: int = 0) -> None:
        super().__init__()
        self.backbone = Backbone(config, unfrozen)
        self.cells = 64 * (side // 2) ** 2  # the first map of a usual network, by which rows are predicted in chunks
        sizes = config.get("hidden_sizes")
        self.width = int(sizes[-1] if sizes else config["hidden_size"])

    def forward(self, pixels: Tensor) -> Tensor:
        states = self.backbone(pixel_values=pixels).last_hidden_state
        return states.mean(dim=(2, 3)) if states.ndim == 4 else states.mean(dim=1)


def _strides(side: int) -> list[int]:
    """Return the stride of each stage: four stages at most, the map halved while it has more than a few pixels.

    Examples:
        >>> _strides(8), _strides(28), _strides(64), _strides(224)
        ([1, 2], [1, 2, 2], [1, 2, 2, 2], [2, 2, 2, 2])
    """
    side = side // 2 if side >= 48 else side
    strides = [2 if side > 64 else 1]
    side //= strides[0]
    while len(strides) < 4 and side >= 2 * LEAST:
        strides.append(2)
        side //= 2
    return strides


def build(form: str, spec: Any, settings: Mapping[str, Any]) -> nn.Module:
    """Return the image encoder of a name, for a block of pixels."""
    channels, side, _ = spec.shape
    if form == "checkpoint":
        return Pretrained(settings["checkpoints"][spec.checkpoint], side, settings["unfrozen"])
    return ResNet(channels, side, settings["d_embedding"], settings["dropout"])
