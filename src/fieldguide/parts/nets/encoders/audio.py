"""Encoders of sounds: log-mel spectrograms or waves in, one vector a row out.

Knows channels, strides and layers; nothing of files or of training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.parts.nets.encoders._pretrained import Backbone

FORMS = ("cnn", "checkpoint")


class SpectrogramCNN(nn.Module):
    """Four pairs of convolutions with BatchNorm, halved after each; then the mean and the greatest value over time.

    Args:
        bands, frames: of the spectrogram.
        d_embedding: channels of the last pair.
        dropout: rate in [0, 1) on the vector.

    Shape:
        spectrograms: (rows, 1, bands, frames) float32
        returns: (rows, 2 · d_embedding) float32

    Source:
        Kong et al., "PANNs" (CNN10 in small), 2020.

    Examples:
        >>> SpectrogramCNN(40, 98, d_embedding=32).eval()(torch.zeros(2, 1, 40, 98)).shape
        torch.Size([2, 64])
    """

    def __init__(self, bands: int, frames: int, d_embedding: int = 128, dropout: float = 0.2) -> None:
        super().__init__()
        widths = [max(8, d_embedding // 2 ** (3 - i)) for i in range(4)]
        layers: list[nn.Module] = []
        d_in, size = 1, (bands, frames)
        for width in widths:
            for _ in range(2):
                layers += [nn.Conv2d(d_in, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                d_in = width
            halves = tuple(2 if n >= 8 else 1 for n in size)
            layers.append(nn.AvgPool2d(halves))  # type: ignore[arg-type]
            size = (size[0] // halves[0], size[1] // halves[1])
        self.layers = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.width = 2 * widths[-1]
        self.cells = 3 * widths[0] * bands * frames

    def forward(self, spectrograms: Tensor) -> Tensor:
        over_time = self.layers(spectrograms).mean(2)
        return self.dropout(torch.cat([over_time.mean(2), over_time.amax(2)], 1))


class WaveCNN(nn.Module):
    """Strided convolutions over the wave itself; then the mean and the greatest value over time.

    Shape:
        waves: (rows, 1, samples) float32
        returns: (rows, 2 · d_embedding) float32

    Source:
        Dai et al., "Very Deep Convolutional Neural Networks for Raw Waveforms" (M5), 2017.

    Examples:
        >>> WaveCNN(4000, d_embedding=32).eval()(torch.zeros(2, 1, 4000)).shape
        torch.Size([2, 64])
    """

    def __init__(self, n_samples: int, d_embedding: int = 128, dropout: float = 0.2) -> None:
        super().__init__()
        widths = [max(8, d_embedding // 2 ** (3 - i)) for i in range(4)]
        layers: list[nn.Module] = []
        d_in, length = 1, n_samples
        for i, width in enumerate(widths):
            kernel, stride = (min(80, length), 4) if i == 0 else (3, 1)
            layers += [
                nn.Conv1d(d_in, width, kernel, stride, padding=kernel // 2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
            ]
            d_in, length = width, length // stride
            if length >= 8:
                layers.append(nn.MaxPool1d(4))
                length //= 4
        self.layers = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.width = 2 * widths[-1]
        self.cells = widths[0] * n_samples

    def forward(self, waves: Tensor) -> Tensor:
        over_time = self.layers(waves)
        return self.dropout(torch.cat([over_time.mean(2), over_time.amax(2)], 1))


class Pretrained(nn.Module):
    """A checkpoint's encoder of sounds; the mean of its last states.

    Args:
        config: the checkpoint's configuration.
        shape: of one row, as the checkpoint's feature extractor gives it.
        unfrozen: later layers that learn [layers]; 0: none; -1: all.

    Shape:
        sounds: (rows, *shape) float32: waves, or spectrograms
        returns: (rows, hidden size) float32

    Source:
        Yang et al., "SUPERB: Speech Processing Universal PERformance Benchmark", Interspeech 2021 (the mean over time).
    """

    def __init__(self, config: Mapping[str, Any], shape: tuple[int, ...], unfrozen: int = 0) -> None:
        super().__init__()
        # masks over time are drawn longer than short sounds are
        said = {**config, "apply_spec_augment": False} if "apply_spec_augment" in config else config
        self.backbone = Backbone(said, unfrozen)
        self.takes = str(getattr(self.backbone.pretrained, "main_input_name", "input_values"))
        self.width = int(config.get("hidden_size") or config["d_model"])
        self.cells = 8 * math.prod(shape)

    def forward(self, sounds: Tensor) -> Tensor:
        return self.backbone(**{self.takes: sounds}).last_hidden_state.mean(dim=1)


def build(form: str, spec: Any, settings: Mapping[str, Any]) -> nn.Module:
    """Return the sound encoder of a name, for a block of spectrograms, of waves, or of what a checkpoint takes."""
    if form == "checkpoint":
        return Pretrained(settings["checkpoints"][spec.checkpoint], spec.shape, settings["unfrozen"])
    if len(spec.shape) == 3:
        return SpectrogramCNN(spec.shape[1], spec.shape[2], settings["d_embedding"], settings["dropout"])
    return WaveCNN(spec.shape[1], settings["d_embedding"], settings["dropout"])
