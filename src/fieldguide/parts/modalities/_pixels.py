"""Pixels as a network takes them: decoded a batch at a time, scaled, and altered for training rows.

Knows arrays; nothing of files beyond asking `_pictures` for a cell's pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.parts.modalities import _pictures

SHIFT, ROTATION, ZOOM = 0.08, 8.0, 0.08  # share of the side; degrees; share
BRIGHTNESS, CONTRAST = 0.2, 0.2  # in deviations of the channel; share


@dataclass(frozen=True)
class Decode:
    """Cells to scaled pixels; a missing cell is the training rows' mean colour."""

    side: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __call__(self, cells: np.ndarray) -> np.ndarray:
        """Return (rows, channels, side, side) float32."""
        channels = len(self.mean)
        raw = np.empty((len(cells), channels, self.side, self.side), np.float32)
        mean = np.array(self.mean, np.float32)[:, None, None]
        for row, cell in enumerate(cells.tolist()):
            raw[row] = mean if cell is None else _pictures.pixels_of(cell, self.side, channels)
        raw -= mean
        raw /= np.array(self.deviation, np.float32)[:, None, None]
        return raw


@dataclass(frozen=True)
class Augment:
    """Alter training pictures in ways after which they still show the same: moved, turned and zoomed a little, lighter or
    darker. Mirrored only where the study says that a mirrored picture keeps its label: it does not for digits, hands or
    text.

    Source:
        Krizhevsky, Sutskever, Hinton 2012 (shifts, colours); Simard, Steinkraus, Platt 2003 (affine, for digits).
    """

    flip: bool = False

    def __call__(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return altered pixels of the same shape."""
        import torch

        n, channels = pixels.shape[:2]
        angle = np.deg2rad(rng.uniform(-ROTATION, ROTATION, n))
        zoom = rng.uniform(1 - ZOOM, 1 + ZOOM, n)
        mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0) if self.flip else np.ones(n)
        place = np.empty((n, 2, 3), np.float32)  # where each pixel is taken from, on the scale -1 to 1
        place[:, 0, 0], place[:, 0, 1] = np.cos(angle) / zoom * mirror, -np.sin(angle) / zoom
        place[:, 1, 0], place[:, 1, 1] = np.sin(angle) / zoom * mirror, np.cos(angle) / zoom
        place[:, :, 2] = rng.uniform(-2 * SHIFT, 2 * SHIFT, (n, 2))
        with torch.inference_mode():
            grid = torch.nn.functional.affine_grid(torch.from_numpy(place), list(pixels.shape), align_corners=False)
            moved: Any = torch.nn.functional.grid_sample(
                torch.from_numpy(pixels), grid, mode="bilinear", padding_mode="border", align_corners=False
            )
            contrast = rng.uniform(1 - CONTRAST, 1 + CONTRAST, (n, 1, 1, 1)).astype(np.float32)
            light = rng.normal(0.0, BRIGHTNESS, (n, 1, 1, 1)) + rng.normal(0.0, BRIGHTNESS / 4, (n, channels, 1, 1))
            moved.mul_(torch.from_numpy(contrast)).add_(torch.from_numpy(light.astype(np.float32)))
        altered: np.ndarray = moved.numpy()
        return altered
