"""Sounds through a pretrained encoder: the wave or the spectrogram that it expects, and the mean of its last states as features.

Knows preprocessor_config.json and the feature extractors of transformers; where checkpoints are and how features are kept is
`_checkpoints`. A sound is brought to the rate that the encoder was trained at; channels are averaged. Every sound goes through the
encoder by itself, so that its features do not depend on how long others are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fieldguide.core.batch import Block, Layout, Spec
from fieldguide.core.errors import MissingExtra, ModelError
from fieldguide.parts.modalities import _sounds
from fieldguide.parts.modalities._checkpoints import Checkpoint, checked, features

PROCESSOR = "preprocessor_config.json"
MOST_SECONDS = 30.0  # of one sound that an encoder hears: its middle
LEAST_SECONDS = 0.1  # a shorter one is filled up with silence, or convolutions would have nothing to stand on


@cache
def extractor_of(checkpoint: Checkpoint) -> Any:
    """Return what makes an encoder's input of a wave; no code is taken from the folder.

    Raises:
        ModelError: the folder has no preprocessor_config.json.
        MissingExtra: transformers is not installed.
    """
    if not (checkpoint.folder / PROCESSOR).is_file():
        raise ModelError(
            f"the checkpoint {checkpoint.name!r} has no {PROCESSOR}", rule="sounds are prepared as they were when the encoder was trained",
            found=f"the folder {checkpoint.folder}", do="save it by `AutoFeatureExtractor.from_pretrained(NAME).save_pretrained(folder)`",
        )  # fmt: skip
    try:
        from transformers import AutoFeatureExtractor
    except ImportError:
        raise MissingExtra("transformers", "text", "a pretrained encoder of sounds") from None
    found = AutoFeatureExtractor.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
    if not getattr(found, "sampling_rate", None):
        raise ModelError(
            f"the checkpoint {checkpoint.name!r} is none of sounds", rule="its feature extractor names a sampling_rate",
            found=type(found).__name__, do="name a checkpoint such as facebook/wav2vec2-base",
        )  # fmt: skip
    return found


def width_of(checkpoint: Checkpoint) -> int:
    """Return how many features the encoder gives: the width of its last states."""
    config = checkpoint.config
    return int(config.get("hidden_size") or config["d_model"])


def prepared(checkpoint: Checkpoint, wave: np.ndarray) -> np.ndarray:
    """Return what the encoder takes of one wave at its rate: (samples,) or (…, frames) float32, without a row axis."""
    extractor = extractor_of(checkpoint)
    least = int(LEAST_SECONDS * extractor.sampling_rate)
    wave = _sounds.fitted(wave, max(len(wave), least))
    found = extractor([wave], sampling_rate=extractor.sampling_rate, return_tensors="np")
    name = next(name for name in ("input_values", "input_features") if name in found)
    return np.asarray(found[name][0], np.float32)


def sound_features(checkpoint: Checkpoint, cells: np.ndarray) -> np.ndarray:
    """Return the mean of the encoder's last states of each sound; zeros where there is none.

    What was computed before in this study comes from its store, equal to the last bit.

    Shape:
        cells: (rows,) objects
        returns: (rows, width) float32

    Source:
        Baevski et al., "wav2vec 2.0", NeurIPS 2020; the mean over time: Yang et al., "SUPERB", Interspeech 2021.
    """
    width = width_of(checkpoint)
    known = np.flatnonzero([cell is not None for cell in cells.tolist()])
    found = np.zeros((len(cells), width), np.float32)
    if not len(known):
        return found
    keys = [str(_sounds.facts_of(cell)["hash"]) for cell in cells[known].tolist()]
    name = hashlib.blake2b(json.dumps([checkpoint.hash, MOST_SECONDS, "mean"]).encode(), digest_size=8).hexdigest()

    def compute(places: Sequence[int]) -> np.ndarray:
        return _encoded(checkpoint, cells[known[list(places)]])

    found[known] = features(keys, name, compute, width)
    return found


def _encoded(checkpoint: Checkpoint, cells: np.ndarray) -> np.ndarray:
    import torch

    model, extractor = _model(checkpoint), extractor_of(checkpoint)
    rate, parts = int(extractor.sampling_rate), []
    with torch.inference_mode():
        for cell in cells.tolist():
            wave = _sounds.wave_of(cell, rate)
            wave = _sounds.fitted(wave, min(len(wave), int(MOST_SECONDS * rate)))
            states = model(torch.from_numpy(prepared(checkpoint, wave))[None]).last_hidden_state[0]
            whole = getattr(
                extractor, "n_samples", None
            )  # an extractor that fills up to one length: silence is not averaged
            heard = len(states) if not whole else max(1, round(len(states) * min(1.0, len(wave) / whole)))
            parts.append(states[:heard].mean(dim=0).float().numpy())
    return np.stack(parts)


@cache
def _model(checkpoint: Checkpoint) -> Any:
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = AutoModel.from_pretrained(
        checkpoint.folder, use_safetensors=True, trust_remote_code=False, local_files_only=True
    ).eval()
    return model.get_encoder() if model.config.is_encoder_decoder else model


@dataclass(frozen=True)
class Hear:
    """Cells to what an encoder takes, all of one length; silence where a cell is missing.

    Shape:
        decode(cells): (rows, *shape) float32
    """

    checkpoint: Checkpoint
    n_samples: int

    @property
    def rate(self) -> int:
        return int(extractor_of(self.checkpoint).sampling_rate)

    @property
    def shape(self) -> tuple[int, ...]:
        return prepared(self.checkpoint, np.zeros(self.n_samples, np.float32)).shape

    def __call__(self, cells: np.ndarray) -> np.ndarray:
        found = np.zeros((len(cells), *self.shape), np.float32)
        for row, cell in enumerate(cells.tolist()):
            if cell is not None:
                wave = _sounds.fitted(_sounds.wave_of(cell, self.rate), self.n_samples)
                found[row] = prepared(self.checkpoint, wave)
        return found


@dataclass(frozen=True)
class HearEncoder:
    """Every sound as its column's checkpoint takes it, for a network that holds the checkpoint.

    Shape:
        encode(cells)[name].load(): (rows, samples) or (rows, …, frames) float32, as the checkpoint's feature extractor says
    """

    names: tuple[str, ...]
    decoders: tuple[Hear, ...]

    @staticmethod
    def fit(lengths: Mapping[str, float], checkpoints: Mapping[str, Checkpoint]) -> HearEncoder:
        """Fix the length of what is heard.

        Args:
            lengths: seconds of each column, from training rows.
        """
        decoders = []
        for name, checkpoint in checkpoints.items():
            rate = int(extractor_of(checkpoint).sampling_rate)
            decoders.append(Hear(checkpoint, max(1, round(min(lengths[name], MOST_SECONDS) * rate))))
        return HearEncoder(tuple(checkpoints), tuple(decoders))

    def layout(self) -> Layout:
        pairs = zip(self.names, self.decoders, strict=True)
        return Layout(
            blocks=tuple(Spec(name, "audio", hear.shape, checkpoint=hear.checkpoint.name) for name, hear in pairs)
        )

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, Block]:
        return {name: Block(cells[name], hear) for name, hear in zip(self.names, self.decoders, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        columns = [
            {"checkpoint": [h.checkpoint.name, h.checkpoint.hash], "n_samples": h.n_samples} for h in self.decoders
        ]
        return {"form": "hear", "names": list(self.names), "columns": columns}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> HearEncoder:
        decoders = (
            Hear(checked(column["checkpoint"][0], column["checkpoint"][1], "audio"), column["n_samples"])
            for column in data["columns"]
        )
        return HearEncoder(tuple(data["names"]), tuple(decoders))
