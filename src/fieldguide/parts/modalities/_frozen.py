"""Files through frozen encoders: images by the pixels that an encoder expects and the mean of its last map, and how features are scaled.

Knows preprocessor_config.json of images and how an image model's answer becomes one vector; what is made of sounds is `_heard`, where
checkpoints are and how features are kept `_checkpoints`. A picture is brought to the encoder's pixels as all pictures are here (`_pictures`: nothing is cut off),
and scaled by the means and deviations that the checkpoint names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fieldguide.core.batch import Layout
from fieldguide.core.errors import ModelError
from fieldguide.parts.modalities import _heard, _pictures
from fieldguide.parts.modalities._checkpoints import Checkpoint, checked, features
from fieldguide.parts.modalities._pixels import Decode

PROCESSOR = "preprocessor_config.json"
BATCH = 32  # pictures that go through the encoder at once


@dataclass(frozen=True)
class Expected:
    """What an encoder takes: pixels a side, and mean and deviation of each channel [shades of 255]."""

    side: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def expected(checkpoint: Checkpoint) -> Expected:
    """Return what a checkpoint takes, from its preprocessor_config.json.

    Raises:
        ModelError: the folder has none.
    """
    path = checkpoint.folder / PROCESSOR
    if not path.is_file():
        raise ModelError(
            f"the checkpoint {checkpoint.name!r} has no {PROCESSOR}", rule="pictures are scaled as they were when the encoder was trained",
            found=f"the folder {checkpoint.folder}", do="save it by `AutoImageProcessor.from_pretrained(NAME).save_pretrained(folder)`",
        )  # fmt: skip
    said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    size = said.get("crop_size") if said.get("do_center_crop") else said.get("size")
    if isinstance(size, Mapping):
        size = size.get("height") or size.get("shortest_edge") or size.get("longest_edge")
    size = int(size or checkpoint.config.get("image_size") or 224)
    whole = 1.0 / float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0
    mean, deviation = said.get("image_mean") or [0.0] * 3, said.get("image_std") or [1.0] * 3
    if not said.get("do_normalize", True):
        mean, deviation = [0.0] * 3, [1.0] * 3
    return Expected(size, tuple(whole * float(m) for m in mean), tuple(whole * float(d) for d in deviation))


def image_features(checkpoint: Checkpoint, cells: np.ndarray) -> np.ndarray:
    """Return the mean of the encoder's last map or last states of each picture; zeros where there is none.

    What was computed before in this study comes from its store, equal to the last bit.

    Shape:
        cells: (rows,) objects
        returns: (rows, width) float32
    """
    takes, width = expected(checkpoint), width_of(checkpoint)
    known = np.flatnonzero([cell is not None for cell in cells.tolist()])
    found = np.zeros((len(cells), width), np.float32)
    if not len(known):
        return found
    keys = [str(_pictures.facts_of(cell)["hash"]) for cell in cells[known].tolist()]
    name = hashlib.blake2b(json.dumps([checkpoint.hash, takes.side, "mean"]).encode(), digest_size=8).hexdigest()

    def compute(places: Sequence[int]) -> np.ndarray:
        return _encoded(checkpoint, takes, cells[known[list(places)]])

    found[known] = features(keys, name, compute, width)
    return found


def width_of(checkpoint: Checkpoint) -> int:
    """Return how many features the encoder gives: the width of its last states."""
    sizes = checkpoint.config.get("hidden_sizes")
    return int(sizes[-1] if sizes else checkpoint.config["hidden_size"])


def _encoded(checkpoint: Checkpoint, takes: Expected, cells: np.ndarray) -> np.ndarray:
    """Return features of cells: the mean over the places of the last map (channels, height, width) or of the last tokens."""
    import torch

    model, decode = _model(checkpoint), Decode(takes.side, takes.mean, takes.deviation)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(cells), BATCH):
            pixels = torch.from_numpy(decode(cells[start : start + BATCH]))
            states = model(pixel_values=pixels).last_hidden_state
            parts.append((states.mean(dim=(2, 3)) if states.ndim == 4 else states.mean(dim=1)).float().numpy())
    return np.concatenate(parts)


@cache
def _model(checkpoint: Checkpoint) -> Any:
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # our progress is told by ourselves
    return AutoModel.from_pretrained(
        checkpoint.folder, use_safetensors=True, trust_remote_code=False, local_files_only=True
    ).eval()


FEATURES: Mapping[str, Callable[[Checkpoint, np.ndarray], np.ndarray]] = {
    "image": image_features,
    "audio": _heard.sound_features,
}
"""What a frozen encoder makes of the cells of a kind."""


@dataclass(frozen=True)
class FrozenEncoder:
    """Every image or sound as the features of its column's frozen checkpoint, scaled by what they are on training rows.

    Shape:
        encode(cells)["numbers"]: (rows, width a column) float32; zeros where missing
    """

    kind: str
    checkpoints: Mapping[str, Checkpoint]
    means: tuple[np.ndarray, ...]
    deviations: tuple[np.ndarray, ...]

    @staticmethod
    def fit(kind: str, cells: Mapping[str, np.ndarray], checkpoints: Mapping[str, Checkpoint]) -> FrozenEncoder:
        means, deviations = [], []
        for name, checkpoint in checkpoints.items():
            known = (
                cells[name][[cell is not None for cell in cells[name].tolist()]] if len(cells[name]) else cells[name]
            )
            raw = FEATURES[kind](checkpoint, known).astype(np.float64)
            spread = raw.std(axis=0) if len(raw) else np.ones(raw.shape[1])
            means.append(np.round(raw.mean(axis=0), 6) if len(raw) else np.zeros(raw.shape[1]))
            deviations.append(np.where(spread > 1e-5, np.round(spread, 6), 1.0))
        return FrozenEncoder(kind, dict(checkpoints), tuple(means), tuple(deviations))

    def layout(self) -> Layout:
        widths = zip(self.checkpoints, self.means, strict=True)
        return Layout(numbers=tuple(f"{name} feature {i + 1}" for name, mean in widths for i in range(len(mean))))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        parts = []
        for (name, checkpoint), mean, deviation in zip(
            self.checkpoints.items(), self.means, self.deviations, strict=True
        ):
            scaled = (FEATURES[self.kind](checkpoint, cells[name]) - mean) / deviation
            scaled[[cell is None for cell in cells[name].tolist()]] = 0.0
            parts.append(scaled)
        return {"numbers": np.concatenate(parts, axis=1).astype(np.float32)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "features", "kind": self.kind, "checkpoints": {name: [found.name, found.hash] for name, found in self.checkpoints.items()},
            "means": [mean.tolist() for mean in self.means], "deviations": [deviation.tolist() for deviation in self.deviations],
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> FrozenEncoder:
        kind = data["kind"]
        checkpoints = {name: checked(known[0], known[1], kind) for name, known in data["checkpoints"].items()}
        means, deviations = (tuple(np.array(row, np.float64) for row in data[key]) for key in ("means", "deviations"))
        return FrozenEncoder(kind, checkpoints, means, deviations)


@dataclass(frozen=True)
class Beside:
    """Encoders of different columns of one modality side by side: those with a checkpoint, and those without."""

    parts: tuple[Any, ...]

    def layout(self) -> Layout:
        layouts = [part.layout() for part in self.parts]
        return Layout(
            numbers=tuple(name for layout in layouts for name in layout.numbers),
            blocks=tuple(spec for layout in layouts for spec in layout.blocks),
        )

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, Any]:
        found = [part.encode(cells) for part in self.parts]
        numbers = [arrays["numbers"] for arrays in found if "numbers" in arrays]
        joined = {"numbers": np.concatenate(numbers, axis=1)} if numbers else {}
        return {**joined, **{name: array for arrays in found for name, array in arrays.items() if name != "numbers"}}

    def to_dict(self) -> dict[str, Any]:
        return {"form": "beside", "parts": [part.to_dict() for part in self.parts]}

    @staticmethod
    def from_dict(data: Mapping[str, Any], load: Callable[[Mapping[str, Any]], Any]) -> Beside:
        """Return the encoders that `to_dict` described; `load` is the modality's."""
        return Beside(tuple(load(part) for part in data["parts"]))
