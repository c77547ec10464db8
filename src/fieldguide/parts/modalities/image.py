"""Images: read, described, and encoded as a few numbers, as features of a checkpoint, or as pixels for a network.

Knows what each form of the recipe makes of an image. How a file becomes pixels is `_pictures`, which images are nearly one
another `_copies`; what a network does with pixels is `nets.encoders.image`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.batch import Block, Layout, Spec
from fieldguide.parts.modalities import _copies, _pictures
from fieldguide.parts.modalities._checkpoints import Checkpoint, resolve
from fieldguide.parts.modalities._frozen import Beside, FrozenEncoder, expected
from fieldguide.parts.modalities._pixels import Augment, Decode
from fieldguide.parts.modalities._reading import WORKERS, Files

SIDES = (
    32,
    64,
)  # pixels a side, where none are asked for: what an encoder can still halve, and what a processor can bear
SEEN_TO_FIT = 2_000  # training rows whose pixels give the mean and deviation of each channel
MIDDLE = 127.5  # shade that `pixel_scaling: range` brings to 0, and 0 and 255 to -1 and 1
FLAT = 16  # pixels a side of the flat features
TOP = 8


@dataclass(frozen=True)
class Image(Files):
    """Images: String, the path of a file or a `data:` URI; null where empty.

    Examples:
        >>> from fieldguide.core.table import Column
        >>> Image().read_value("cats/1.png", Column("photo", "image"))  # no table was opened: no file is read
        (None, True)
    """

    name: ClassVar[str] = "image"
    facts: ClassVar[Callable[[str], Mapping[str, Any]]] = staticmethod(_pictures.facts_of)

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return counts, sizes, modes and formats, how many files repeat others, and how many are animated or turned."""
        found = [_pictures.facts_of(cell) for cell in typed.drop_nulls().to_list()]
        sizes = Counter(f"{facts['width']} x {facts['height']}" for facts in found)
        return {
            "n": typed.len(), "missing": typed.null_count(),
            "sizes": dict(sizes.most_common(TOP)), "n_sizes": len(sizes),
            "modes": dict(Counter(facts["mode"] for facts in found).most_common(TOP)),
            "formats": dict(Counter(facts["format"] for facts in found).most_common(TOP)),
            "repeated": len(found) - len({facts["hash"] for facts in found}),
            "animated": sum(facts["frames"] > 1 for facts in found),
            "turned": sum(facts.get("turned", 1) > 1 for facts in found),
            "grey": sum(facts["grey"] for facts in found),
            "megabytes": round(sum(facts["bytes"] for facts in found) / 1e6, 3),
        }  # fmt: skip

    def near(self, typed: pl.Series) -> np.ndarray:
        """Return pairs of rows whose images are copies of each other, re-encoded, resized or slightly altered: (pairs, 2)."""
        return _copies.near(typed.to_list())

    def portable(self, value: str) -> str:
        """Return a cell as a caller of a served model would send it: a `data:` URI, of at most 256 pixels a side."""
        return _pictures.portable(value)

    def thumbnail(self, value: str, side: int = 64) -> str:
        """Return a cell as a small `data:` URI for a report."""
        return _pictures.thumbnail(value, side)

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any, checkpoints: Mapping[str, str] | None = None) -> Any:
        """Fit what the recipe's `media` asks for on training cells."""
        pretrained = {name: resolve(checkpoint, "image") for name, checkpoint in (checkpoints or {}).items()}
        if recipe.media == "blocks":
            return PixelsEncoder.fit(cells, recipe, pretrained)
        if recipe.media in ("features", "points") and pretrained:
            others = {name: column for name, column in cells.items() if name not in pretrained}
            frozen = FrozenEncoder.fit("image", cells, pretrained)
            return Beside((frozen, FlatEncoder.fit(others))) if others else frozen
        return FlatEncoder.fit(cells)

    def load(self, data: Mapping[str, Any]) -> Any:
        """Return the encoder that `to_dict` described."""
        if data["form"] == "beside":
            return Beside.from_dict(data, self.load)
        forms: dict[str, Any] = {"pixels": PixelsEncoder, "features": FrozenEncoder, "flat": FlatEncoder}
        return forms[data["form"]].from_dict(data)


@dataclass(frozen=True)
class PixelsEncoder:
    """Every image as a square of pixels, scaled by the mean and deviation that each channel has on training rows.

    Shape:
        encode(cells)[name].load(): (rows, channels, pixels, pixels) float32; one channel where no training image has colour
    """

    names: tuple[str, ...]
    sides: tuple[int, ...]
    means: tuple[tuple[float, ...], ...]
    deviations: tuple[tuple[float, ...], ...]
    augment: bool = True
    flip: bool = False
    checkpoints: tuple[str, ...] = ()

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray], recipe: Any, pretrained: Mapping[str, Checkpoint]) -> PixelsEncoder:
        found = []
        for name, column in cells.items():
            if name in pretrained:  # as it was when the checkpoint was trained
                takes = expected(pretrained[name])
                found.append((takes.side, takes.mean, takes.deviation, pretrained[name].name))
            else:
                side = recipe.pixels or _side_of(column)
                mean, deviation = _channel_scales(column, side)
                if recipe.pixel_scaling == "range":
                    mean, deviation = (MIDDLE,) * len(mean), (MIDDLE,) * len(mean)
                found.append((side, mean, deviation, ""))
        return PixelsEncoder(
            tuple(cells), tuple(one[0] for one in found), tuple(one[1] for one in found), tuple(one[2] for one in found),
            recipe.augment, recipe.flip, tuple(one[3] for one in found),
        )  # fmt: skip

    def layout(self) -> Layout:
        columns = zip(self.names, self.sides, self.means, self.checkpoints, strict=True)
        return Layout(blocks=tuple(
            Spec(name, "image", (len(mean), side, side), checkpoint=checkpoint) for name, side, mean, checkpoint in columns
        ))  # fmt: skip

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, Block]:
        augment = Augment(self.flip) if self.augment else None
        scales = zip(self.names, self.sides, self.means, self.deviations, strict=True)
        return {
            name: Block(cells[name], Decode(side, mean, deviation), augment) for name, side, mean, deviation in scales
        }

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "pixels", "names": list(self.names), "sides": list(self.sides), "means": [list(m) for m in self.means],
            "deviations": [list(d) for d in self.deviations], "augment": self.augment, "flip": self.flip,
            "checkpoints": list(self.checkpoints),
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> PixelsEncoder:
        means, deviations = (tuple(map(tuple, data[name])) for name in ("means", "deviations"))
        return PixelsEncoder(
            tuple(data["names"]),
            tuple(data["sides"]),
            means,
            deviations,
            data["augment"],
            data["flip"],
            tuple(data["checkpoints"]),
        )


@dataclass(frozen=True)
class FlatEncoder:
    """Every image as 16 x 16 shades of grey and the mean and deviation of its three colours: what a table's learners read.

    Shades are centred on the training rows' mean picture and divided by one deviation for all of them: pixels at the border
    that hardly ever change must not be blown up.

    Shape:
        encode(cells)["numbers"]: (rows, 256 + 6 + a missing flag a column) float32, without NaN
    """

    names: tuple[str, ...]
    means: tuple[np.ndarray, ...]  # (262,) of each column
    deviations: tuple[np.ndarray, ...]

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray]) -> FlatEncoder:
        means, deviations = [], []
        for column in cells.values():
            known = column[[cell is not None for cell in column.tolist()]] if len(column) else column
            raw = _flat(known)
            mean = raw.mean(axis=0) if len(raw) else np.zeros(raw.shape[1])
            spread = np.empty(raw.shape[1])
            spread[: FLAT * FLAT] = np.sqrt(raw[:, : FLAT * FLAT].var(axis=0).mean()) if len(raw) else 0.0
            spread[FLAT * FLAT :] = raw[:, FLAT * FLAT :].std(axis=0) if len(raw) else 0.0
            means.append(np.round(mean, 4))
            deviations.append(np.where(spread > 1e-6, np.round(spread, 4), 1.0))
        return FlatEncoder(tuple(cells), tuple(means), tuple(deviations))

    def layout(self) -> Layout:
        found: list[str] = []
        for name in self.names:
            found += [f"{name} pixel {y + 1},{x + 1}" for y in range(FLAT) for x in range(FLAT)]
            found += [f"{name} {what} {colour}" for what in ("mean", "spread") for colour in ("red", "green", "blue")]
            found.append(f"{name} is missing")
        return Layout(numbers=tuple(found))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        parts = []
        for name, mean, deviation in zip(self.names, self.means, self.deviations, strict=True):
            missing = np.array([cell is None for cell in cells[name].tolist()], bool)
            scaled = (_flat(cells[name]) - mean) / deviation
            scaled[missing] = 0.0
            parts += [scaled, missing[:, None]]
        return {"numbers": np.concatenate(parts, axis=1).astype(np.float32)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "flat", "names": list(self.names), "means": [mean.tolist() for mean in self.means],
            "deviations": [deviation.tolist() for deviation in self.deviations],
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> FlatEncoder:
        means, deviations = (tuple(np.array(row, np.float64) for row in data[name]) for name in ("means", "deviations"))
        return FlatEncoder(tuple(data["names"]), means, deviations)


def _side_of(column: np.ndarray) -> int:
    """Return the side [pixels] that nine of ten training pictures do not exceed, within `SIDES`: enlarging shows nothing new."""
    known = [_pictures.facts_of(cell) for cell in column.tolist() if cell is not None]
    if not known:
        return SIDES[0]
    longer = np.quantile([max(facts["width"], facts["height"]) for facts in known], 0.9)
    return int(np.clip(8 * np.ceil(longer / 8), *SIDES))


def _channel_scales(column: np.ndarray, side: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation [shades of 255] of each channel over training cells, evenly spaced where there are many."""
    known = [cell for cell in column.tolist() if cell is not None]
    if not known:
        return (127.5,), (127.5,)
    chosen = [known[i] for i in np.linspace(0, len(known) - 1, min(len(known), SEEN_TO_FIT)).astype(int)]
    channels = 1 if all(_pictures.facts_of(cell)["grey"] for cell in known) else 3
    total, squares = np.zeros(channels), np.zeros(channels)
    with ThreadPoolExecutor(WORKERS) as pool:
        for pixels in pool.map(lambda cell: _pictures.pixels_of(cell, side, channels), chosen):
            shades = pixels.reshape(channels, -1).astype(np.float64)
            total, squares = total + shades.mean(axis=1), squares + (shades * shades).mean(axis=1)
    mean = total / len(chosen)
    deviation = np.sqrt(np.maximum(squares / len(chosen) - mean * mean, 0.0))
    return tuple(np.round(mean, 4).tolist()), tuple(np.round(np.where(deviation > 1.0, deviation, 1.0), 4).tolist())


def _flat(cells: np.ndarray) -> np.ndarray:
    """Return shades of grey and colour statistics before scaling: (rows, 262) float64; zeros where missing."""
    found = np.zeros((len(cells), FLAT * FLAT + 6))
    with ThreadPoolExecutor(WORKERS) as pool:
        known = [(row, cell) for row, cell in enumerate(cells.tolist()) if cell is not None]
        pictures = pool.map(lambda one: _pictures.pixels_of(one[1], FLAT, 3), known)
        for (row, _), picture in zip(known, pictures, strict=True):
            shades = picture.reshape(3, -1).astype(np.float64)
            found[row, : FLAT * FLAT] = shades[0] * 0.299 + shades[1] * 0.587 + shades[2] * 0.114
            found[row, FLAT * FLAT : FLAT * FLAT + 3] = shades.mean(axis=1)
            found[row, FLAT * FLAT + 3 :] = shades.std(axis=1)
    return found


__all__: Sequence[str] = ("FlatEncoder", "Image", "PixelsEncoder")
