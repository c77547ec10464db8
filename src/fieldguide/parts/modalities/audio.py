"""Sounds: read, described, and encoded as a few numbers, as features of a checkpoint, as log-mel spectrograms or as waves for a
network.

Knows what each form of the recipe makes of a sound. How a file becomes a wave and a spectrogram is `_sounds`, what a checkpoint makes
of it `_heard`; what a network does with it is `nets.encoders.audio`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.batch import Block, Layout, Spec
from fieldguide.parts.modalities import _sounds
from fieldguide.parts.modalities._checkpoints import resolve
from fieldguide.parts.modalities._frozen import Beside, FrozenEncoder
from fieldguide.parts.modalities._heard import HearEncoder
from fieldguide.parts.modalities._reading import WORKERS, Files
from fieldguide.parts.modalities._shingles import within

SEEN_TO_FIT = 500  # training rows whose spectrograms give the mean and deviation of each band
MOST_RATE = 16_000  # samples a second; speech and most events say nothing more above
MOST_SECONDS = 10.0  # of a row a network sees, unless nearly all are longer
QUANTILES = (1, 5, 25, 50, 75, 95, 99)  # [%]
TOP = 8
BINS = 24  # of the histogram of lengths
SHIFT, MASKED, LOUDER = 0.1, 0.15, 0.3  # shares of their axis; standard deviation
NEAR_BITS = 12  # of 128 in which the prints of copies may differ


@dataclass(frozen=True)
class Audio(Files):
    """Sounds: String, the path of a file or a `data:` URI; null where empty.

    Examples:
        >>> from fieldguide.core.table import Column
        >>> Audio().read_value("words/1.wav", Column("said", "audio"))  # no table was opened: no file is read
        (None, True)
    """

    name: ClassVar[str] = "audio"
    facts: ClassVar[Callable[[str], Mapping[str, Any]]] = staticmethod(_sounds.facts_of)

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return counts, rates, lengths, channels and formats, and how many sounds are silent, clipped or repeat others."""
        found = [_sounds.facts_of(cell) for cell in typed.drop_nulls().to_list()]
        lengths = [facts["seconds"] for facts in found]
        spread = {f"q{q}": float(np.percentile(lengths, q)) for q in QUANTILES} if lengths else {}
        edges = np.histogram_bin_edges(lengths, BINS) if lengths else np.zeros(0)
        return {
            "n": typed.len(), "missing": typed.null_count(),
            "rates": dict(Counter(f"{facts['rate']:,} Hz" for facts in found).most_common(TOP)),
            "channels": dict(Counter(str(facts["channels"]) for facts in found).most_common(TOP)),
            "formats": dict(Counter(facts["format"] for facts in found).most_common(TOP)),
            "seconds": {**spread, "max": max(lengths)} if lengths else {},
            "lengths": {"edges": edges.tolist(), "counts": np.histogram(lengths, edges)[0].tolist()} if lengths else {},
            "silent": sum(facts["silent"] for facts in found),
            "clipped": sum(facts["clipped"] > 0.001 for facts in found),
            "repeated": len(found) - len({facts["hash"] for facts in found}),
            "megabytes": round(sum(facts["bytes"] for facts in found) / 1e6, 3),
        }  # fmt: skip

    def near(self, typed: pl.Series) -> np.ndarray:
        """Return pairs of rows whose sounds are copies of each other, louder, cut a little or saved again: (pairs, 2)."""
        return near(typed.to_list())

    def portable(self, value: str) -> str:
        """Return a cell as a caller of a served model would send it: a `data:` URI of a few seconds."""
        return _sounds.portable(value)

    def thumbnail(self, value: str, side: int = 64) -> str:
        """Return a cell as a `data:` URI that a report can play: a second or two, at a low rate."""
        return _sounds.preview(value)

    def picture(self, value: str) -> str:
        """Return a cell as a small picture for a report: its spectrogram."""
        return _sounds.spectrogram(value)

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any, checkpoints: Mapping[str, str] | None = None) -> Any:
        """Fit what the recipe's `media` asks for on training cells.

        Args:
            checkpoints: the pretrained encoder of each column that names one.
        """
        pretrained = {name: resolve(checkpoint, "audio") for name, checkpoint in (checkpoints or {}).items()}
        others = {name: column for name, column in cells.items() if name not in pretrained}
        if not pretrained or recipe.media not in ("blocks", "features", "points"):
            return _plain(cells, recipe)
        if recipe.media == "blocks":
            shapes = {
                name: _shape_of(cells[name], 0, recipe.seconds) for name in pretrained
            }  # its rate is the checkpoint's
            lengths = {name: n_samples / rate for name, (rate, n_samples) in shapes.items()}
            found: Any = HearEncoder.fit(lengths, pretrained)
        else:
            found = FrozenEncoder.fit("audio", cells, pretrained)
        return Beside((found, _plain(others, recipe))) if others else found

    def load(self, data: Mapping[str, Any]) -> Any:
        """Return the encoder that `to_dict` described."""
        if data["form"] == "beside":
            return Beside.from_dict(data, self.load)
        forms: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "mel": SpectrogramEncoder.from_dict, "raw": WaveEncoder.from_dict, "bands": BandsEncoder.from_dict,
            "features": FrozenEncoder.from_dict, "hear": HearEncoder.from_dict,
        }  # fmt: skip
        return forms[data["form"]](data)


def _plain(cells: Mapping[str, np.ndarray], recipe: Any) -> SpectrogramEncoder | WaveEncoder | BandsEncoder:
    """Fit what is made of sounds without a checkpoint."""
    if recipe.media != "blocks":
        return BandsEncoder.fit(cells, recipe.mel_bands, recipe.rate)
    shift = recipe.time_shift if recipe.augment else None
    if recipe.waves == "raw":
        return WaveEncoder.fit(cells, recipe, shift)
    return SpectrogramEncoder.fit(cells, recipe, shift)


@dataclass(frozen=True)
class Mel:
    """Cells to scaled log-mel spectrograms of one length; a missing cell is the training rows' mean.

    Shape:
        decode(cells): (rows, 1, n_bands, frames) float32
    """

    rate: int
    n_samples: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    window: float = _sounds.WINDOW_SECONDS

    def __call__(self, cells: np.ndarray) -> np.ndarray:
        frames = _sounds.n_frames(self.n_samples, self.rate, self.window)
        found = np.zeros((len(cells), 1, len(self.mean), frames), np.float32)
        mean, deviation = (np.array(values, np.float32)[:, None] for values in (self.mean, self.deviation))
        for row, cell in enumerate(cells.tolist()):
            if cell is not None:
                wave = _sounds.fitted(_sounds.wave_of(cell, self.rate), self.n_samples)
                found[row, 0] = (
                    _sounds.log_mel(wave[None], self.rate, len(self.mean), self.window)[0] - mean
                ) / deviation
        return found


@dataclass(frozen=True)
class SpectrogramEncoder:
    """Every sound as a log-mel spectrogram of one length, each band scaled as it is on training rows.

    Shape:
        encode(cells)[name].load(): (rows, 1, n_bands, frames) float32
    """

    names: tuple[str, ...]
    decoders: tuple[Mel, ...]
    shift: float | None = SHIFT  # None: training rows are not altered
    masks: float = MASKED

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray], recipe: Any, shift: float | None) -> SpectrogramEncoder:
        decoders = []
        for column in cells.values():
            rate, n_samples = _shape_of(column, recipe.rate, recipe.seconds)
            window = recipe.window / 1000
            mean, deviation = _band_scales(column, rate, recipe.mel_bands, window)
            decoders.append(Mel(rate, n_samples, mean, deviation, window))
        return SpectrogramEncoder(tuple(cells), tuple(decoders), shift, recipe.masks)

    def layout(self) -> Layout:
        return Layout(blocks=tuple(
            Spec(name, "audio", (1, len(mel.mean), _sounds.n_frames(mel.n_samples, mel.rate, mel.window)))
            for name, mel in zip(self.names, self.decoders, strict=True)
        ))  # fmt: skip

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, Block]:
        altered = None if self.shift is None else partial(spec_augment, shift=self.shift, masks=self.masks)
        return {name: Block(cells[name], mel, altered) for name, mel in zip(self.names, self.decoders, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        columns = [
            {
                "rate": m.rate,
                "n_samples": m.n_samples,
                "mean": list(m.mean),
                "deviation": list(m.deviation),
                "window": m.window,
            }
            for m in self.decoders
        ]
        return {"form": "mel", "names": list(self.names), "columns": columns, "shift": self.shift, "masks": self.masks}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> SpectrogramEncoder:
        decoders = tuple(
            Mel(c["rate"], c["n_samples"], tuple(c["mean"]), tuple(c["deviation"]), c["window"])
            for c in data["columns"]
        )
        return SpectrogramEncoder(tuple(data["names"]), decoders, data["shift"], data["masks"])


@dataclass(frozen=True)
class Wave:
    """Cells to waves of one rate and length, each of loudness 1; silence where a cell is missing.

    Shape:
        decode(cells): (rows, 1, n_samples) float32
    """

    rate: int
    n_samples: int

    def __call__(self, cells: np.ndarray) -> np.ndarray:
        found = np.zeros((len(cells), 1, self.n_samples), np.float32)
        for row, cell in enumerate(cells.tolist()):
            if cell is not None:
                wave = _sounds.fitted(_sounds.wave_of(cell, self.rate), self.n_samples)
                found[row, 0] = wave / max(float(np.sqrt(np.mean(wave * wave))), _sounds.SILENT)
        return found


@dataclass(frozen=True)
class WaveEncoder:
    """Every sound as the wave itself.

    Shape:
        encode(cells)[name].load(): (rows, 1, n_samples) float32
    """

    names: tuple[str, ...]
    decoders: tuple[Wave, ...]
    shift: float | None = SHIFT  # None: training rows are not altered

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray], recipe: Any, shift: float | None) -> WaveEncoder:
        decoders = (Wave(*_shape_of(column, recipe.rate, recipe.seconds)) for column in cells.values())
        return WaveEncoder(tuple(cells), tuple(decoders), shift)

    def layout(self) -> Layout:
        pairs = zip(self.names, self.decoders, strict=True)
        return Layout(blocks=tuple(Spec(name, "audio", (1, wave.n_samples)) for name, wave in pairs))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, Block]:
        altered = None if self.shift is None else partial(time_shift, shift=self.shift)
        return {name: Block(cells[name], wave, altered) for name, wave in zip(self.names, self.decoders, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        columns = [{"rate": wave.rate, "n_samples": wave.n_samples} for wave in self.decoders]
        return {"form": "raw", "names": list(self.names), "columns": columns, "shift": self.shift}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> WaveEncoder:
        return WaveEncoder(tuple(data["names"]), tuple(Wave(**column) for column in data["columns"]), data["shift"])


@dataclass(frozen=True)
class BandsEncoder:
    """Every sound as the mean and deviation of its mel bands over time, its length and its loudness.

    Shape:
        encode(cells)["numbers"]: (rows, 2 · n_bands + 3 a column) float32, without NaN
    """

    names: tuple[str, ...]
    rates: tuple[int, ...]
    n_bands: int
    means: tuple[tuple[float, ...], ...]
    deviations: tuple[tuple[float, ...], ...]

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray], n_bands: int, rate: int = 0) -> BandsEncoder:
        rates = tuple(_shape_of(column, rate)[0] for column in cells.values())
        means, deviations = [], []
        for column, rate in zip(cells.values(), rates):
            known = np.array([cell is not None for cell in column.tolist()], bool)
            raw = _bands(column[known] if len(column) else column, rate, n_bands)[:, :-1]
            means.append(tuple(np.round(raw.mean(axis=0), 5).tolist()) if len(raw) else (0.0,) * raw.shape[1])
            spread = raw.std(axis=0) if len(raw) else np.ones(raw.shape[1])
            deviations.append(tuple(np.where(spread > 1e-5, np.round(spread, 5), 1.0).tolist()))
        return BandsEncoder(tuple(cells), rates, n_bands, tuple(means), tuple(deviations))

    def layout(self) -> Layout:
        found: list[str] = []
        for name in self.names:
            found += [
                f"{name} {what} of band {band + 1}" for what in ("mean", "spread") for band in range(self.n_bands)
            ]
            found += [f"{name} seconds", f"{name} loudness", f"{name} is missing"]
        return Layout(numbers=tuple(found))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        parts = []
        for name, rate, mean, deviation in zip(self.names, self.rates, self.means, self.deviations, strict=True):
            raw = _bands(cells[name], rate, self.n_bands)
            missing = raw[:, -1:] > 0
            parts += [np.where(missing, 0.0, (raw[:, :-1] - np.array(mean)) / np.array(deviation)), missing]
        return {"numbers": np.concatenate(parts, axis=1).astype(np.float32)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "bands", "names": list(self.names), "rates": list(self.rates), "n_bands": self.n_bands,
            "means": [list(mean) for mean in self.means], "deviations": [list(d) for d in self.deviations],
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> BandsEncoder:
        means, deviations = (tuple(map(tuple, data[name])) for name in ("means", "deviations"))
        return BandsEncoder(tuple(data["names"]), tuple(data["rates"]), data["n_bands"], means, deviations)


def spec_augment(
    spectrograms: np.ndarray, rng: np.random.Generator, shift: float = SHIFT, masks: float = MASKED
) -> np.ndarray:
    """Return altered spectrograms: moved in time, louder or softer, a few bands and a few frames at their mean.

    Args:
        shift: the farthest they are moved, as a share of their length.
        masks: the most of bands, and of frames, that are masked, as a share.

    Source:
        Park et al., "SpecAugment", Interspeech 2019, without warping.
    """
    n, _, n_bands, frames = spectrograms.shape
    found = np.empty_like(spectrograms)
    shifts = rng.integers(-int(shift * frames), int(shift * frames) + 1, n)
    for row, moved in enumerate(np.asarray(shifts)):
        found[row] = np.roll(spectrograms[row], moved, axis=2)
        for axis, most in ((1, int(masks * n_bands)), (2, int(masks * frames))):
            width = int(rng.integers(0, most + 1))
            start = int(rng.integers(0, found.shape[axis + 1] - width + 1))
            gone = (
                (slice(None), slice(start, start + width))
                if axis == 1
                else (slice(None), slice(None), slice(start, start + width))
            )
            found[row][gone] = 0.0
    return found + rng.normal(0.0, LOUDER, (n, 1, 1, 1)).astype(np.float32)


def time_shift(waves: np.ndarray, rng: np.random.Generator, shift: float = SHIFT) -> np.ndarray:
    """Return waves moved in time by up to a share of their length, a little louder or softer."""
    most = int(shift * waves.shape[2])
    shifts = rng.integers(-most, most + 1, len(waves))
    louder = np.exp(rng.normal(0.0, LOUDER, (len(waves), 1, 1))).astype(np.float32)
    return np.stack([np.roll(wave, moved, axis=1) for wave, moved in zip(waves, shifts)]) * louder


def near(cells: Sequence[str | None]) -> np.ndarray:
    """Return pairs of places whose sounds have nearly the same print and length: (pairs, 2) int64.

    Prints are compared where a quarter of their bits is the same; exact copies are the business of content hashes.
    """
    known = [(i, _sounds.facts_of(cell)) for i, cell in enumerate(cells) if cell is not None]
    prints = [(i, bytes.fromhex(facts["print"]), facts["seconds"]) for i, facts in known if facts.get("print")]
    groups: dict[tuple[int, bytes], list[int]] = {}
    for place, (_, bits, _) in enumerate(prints):
        for quarter in range(4):
            groups.setdefault((quarter, bits[4 * quarter : 4 * quarter + 4]), []).append(place)
    pairs = set()
    for members in groups.values():
        for a, b in within(members):
            differ = int.bit_count(int.from_bytes(prints[a][1], "big") ^ int.from_bytes(prints[b][1], "big"))
            like = abs(prints[a][2] - prints[b][2]) <= 0.05 * max(prints[a][2], prints[b][2])
            if differ <= NEAR_BITS and like:
                pairs.add((prints[a][0], prints[b][0]))
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def _shape_of(column: np.ndarray, rate: int = 0, seconds: float = 0.0) -> tuple[int, int]:
    """Return (rate, samples) of what a network sees: as stated, else the most frequent rate up to 16 kHz, and nearly the longest row."""
    known = [_sounds.facts_of(cell) for cell in column.tolist() if cell is not None]
    if not known:
        rate = rate or MOST_RATE
        return rate, max(1, round((seconds or 1.0) * rate))
    rate = rate or min(MOST_RATE, Counter(facts["rate"] for facts in known).most_common(1)[0][0])
    lengths = np.array([facts["seconds"] for facts in known])
    usual = min(float(np.percentile(lengths, 98)), max(MOST_SECONDS, float(np.percentile(lengths, 50))))
    return rate, max(_sounds.frames_of(rate)[0], round((seconds or usual) * rate))


def _band_scales(
    column: np.ndarray, rate: int, n_bands: int, window: float = _sounds.WINDOW_SECONDS
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of each log-mel band over the frames of training rows, evenly spaced where there are many."""
    known = [cell for cell in column.tolist() if cell is not None]
    if not known:
        return (0.0,) * n_bands, (1.0,) * n_bands
    n, total, squares = 0, np.zeros(n_bands), np.zeros(n_bands)
    for i in np.linspace(0, len(known) - 1, min(len(known), SEEN_TO_FIT)).astype(int):
        wave = _sounds.wave_of(known[i], rate)[None]
        frames = _sounds.log_mel(wave, rate, n_bands, window)[0].astype(np.float64)
        # sums, sound by sound: the frames of hundreds of long ones would not fit memory. Logarithms of power are small numbers
        n, total, squares = n + frames.shape[1], total + frames.sum(axis=1), squares + np.square(frames).sum(axis=1)
    mean = total / n
    deviation = np.sqrt(np.maximum(squares / n - mean**2, 0.0))
    return (
        tuple(np.round(mean, 5).tolist()),
        tuple(np.round(np.where(deviation > 1e-3, deviation, 1.0), 5).tolist()),
    )


def _bands(cells: np.ndarray, rate: int, n_bands: int) -> np.ndarray:
    """Return means and deviations of bands, log seconds, loudness, and whether it is missing: (rows, 2 · n_bands + 3)."""
    found = np.zeros((len(cells), 2 * n_bands + 3))

    with ThreadPoolExecutor(WORKERS) as pool:
        known = [row for row, cell in enumerate(cells.tolist()) if cell is not None]
        for row, values in zip(known, pool.map(lambda row: _sounds.summary_of(str(cells[row]), rate, n_bands), known)):
            found[row, :-1] = values
    found[[row for row in range(len(cells)) if cells[row] is None], -1] = 1.0
    return found
