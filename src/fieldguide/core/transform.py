"""The one transform: typed cells to arrays, fitted on training rows, the same for training, testing and serving.

Knows which modality encodes which column and in which order; the encoding itself is each modality's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.batch import ARRAYS, Batch, Layout
from fieldguide.core.contracts import Encoder, Modality
from fieldguide.core.ends import look_at_rows
from fieldguide.core.errors import ConfigError, listed
from fieldguide.core.files.shelf import released, shelved
from fieldguide.core.rows import Kept, Rows
from fieldguide.core.settings import Choice, Range, setting, values_of
from fieldguide.core.table import MEDIA_KINDS

Modalities = Callable[[str], Modality]


@dataclass(frozen=True)
class Recipe:
    """How columns are encoded. A learner names the fields in which it differs; refine searches the rest.

    Source:
        missing to 0 after scaling plus an indicator: the workflow guide, "Handle Missing values".
    """

    scaling: str = setting(
        "standard",
        "numbers: none, standard, robust, or quantile (to a normal distribution)",
        space=Choice(("standard", "robust", "quantile")),
    )
    missing: str = setting("indicator", "numbers: indicator (0 after scaling, plus a 0/1 column) or keep (NaN)")
    min_count: int = setting(
        5,
        "categories: a level seen in fewer training rows [rows] is rare",
        capacity=-1,
        space=Range(1, 30, log=True, integer=True),
    )
    max_levels: int = setting(256, "categories: the most levels kept, the most frequent first", capacity=1)
    dates: str = setting("parts", "datetimes: parts (calendar parts and elapsed time) or elapsed (elapsed time only)")
    media: str = setting(
        "flat",
        "texts, images, sounds, series: flat (a few numbers), sparse (TF-IDF terms of texts, else flat), features (of the "
        "column's frozen checkpoint, else flat), points (the same, texts by what they are about: for distances) or blocks (whole, for networks with an encoder per column)",
    )
    tokeniser: str = setting("word", "texts: word, or bpe (pieces learned on the training rows)", of="text")
    vocabulary: int = setting(
        20_000,
        "texts: the most words or pieces [codes] a network knows",
        capacity=1,
        of="text",
        space=Choice((5_000, 20_000)),
    )
    max_tokens: int = setting(
        128, "texts: the most tokens of a row; what follows is cut", capacity=1, of="text", space=Choice((64, 128, 256))
    )
    pixels: int = setting(
        0, "images: height and width [pixels] they are resized to; 0: as large as most of them, at least 32 and at most 64",
        capacity=1, of="image", space=Choice((0, 32, 96)),
    )  # fmt: skip
    pixel_scaling: str = setting(
        "standard",
        "images: standard (by each channel's mean and deviation on training rows) or range (to -1 … 1)",
        of="image",
    )
    flip: bool = setting(
        False, "images: mirror training rows at random; only where a mirrored image has the same label", of="image"
    )
    mel_bands: int = setting(
        64, "sounds: bands of the log-mel spectrogram", capacity=1, of="audio", space=Choice((40, 64))
    )
    waves: str = setting("mel", "sounds: mel (log-mel spectrogram) or raw (the wave itself)", of="audio")
    rate: int = setting(
        0, "sounds: samples a second [Hz] they are resampled to; 0: the most frequent rate, at most 16,000", of="audio"
    )
    seconds: float = setting(
        0.0, "sounds: length [s] that a network hears; longer ones are cut, shorter ones filled up; 0: nearly the longest, at most 10",
        of="audio",
    )  # fmt: skip
    window: float = setting(
        25.0,
        "sounds: length [ms] of a frame of the spectrogram that a network sees",
        of="audio",
        space=Choice((16.0, 25.0, 40.0)),
    )
    masks: float = setting(
        0.15, "sounds: the most of the bands, and of the frames, that training rows have masked (SpecAugment) [share]", capacity=-1,
        of="audio", space=Range(0.0, 0.3),
    )  # fmt: skip
    time_shift: float = setting(
        0.1, "sounds: how far training rows are moved in time at most [share of the length]", capacity=-1, of="audio"
    )
    n_steps: int = setting(
        0, "series: the most steps [count], longer ones are resampled to it; 0: the longest of the training rows, at most 512",
        of="series", space=Choice((0, 64, 128)),
    )  # fmt: skip
    augment: bool = setting(
        True, "alter training rows at random: texts, images, sounds, series (labels stay right under it)", capacity=-1
    )
    balance: str = setting(
        "none",
        "rare classes in the training rows: none, weights, oversample (rows repeated) or undersample (rows left out)",
    )


@dataclass(frozen=True)
class Transform:
    """Fitted encoders over columns.

    Shape:
        encode(cells).numbers: (rows, n_numbers) float32
        encode(cells).codes: (rows, n_codes) int32
    """

    recipe: Recipe
    parts: tuple[tuple[str, tuple[str, ...], Encoder], ...]  # modality name, column names, encoder

    @staticmethod
    def fit(recipe: Recipe, rows: Rows, modalities: Modalities) -> Transform:
        """Fit every modality's encoder on `rows`, and on nothing else."""
        parts = []
        for kind in sorted({column.modality for column in rows.columns}):
            names = tuple(column.name for column in rows.columns if column.modality == kind)
            said = {c.name: c.read["checkpoint"] for c in rows.columns if c.name in names and "checkpoint" in c.read}
            fit: Callable[..., Encoder] = modalities(kind).fit
            _refuse(kind, names, said, fit)
            cells = rows.cells_of(names)
            parts.append((kind, names, fit(cells, recipe, said) if said else fit(cells, recipe)))
        return Transform(recipe, tuple(parts))

    @property
    def layout(self) -> Layout:
        layouts = [encoder.layout() for _, _, encoder in self.parts]
        return Layout(
            numbers=tuple(name for layout in layouts for name in layout.numbers),
            codes=tuple(code for layout in layouts for code in layout.codes),
            terms=tuple(column for layout in layouts for column in layout.terms),
            blocks=tuple(block for layout in layouts for block in layout.blocks),
            columns=tuple(name for _, names, _ in self.parts for name in names),
        )

    def encode(self, cells: Mapping[str, np.ndarray], n_rows: int) -> Batch:
        """Encode cells, one array per column as `Modality.cells` gives them; those of rows on disk slice by slice, onto disk."""
        if isinstance(cells, Kept):
            return self._on_disk(cells, n_rows)
        numbers: list[np.ndarray] = []
        codes: list[np.ndarray] = []
        blocks: dict[str, Any] = {}
        for _, names, encoder in self.parts:
            arrays = encoder.encode({name: cells[name] for name in names})
            for key, array in arrays.items():
                if key == "numbers":
                    numbers.append(array)
                elif key == "codes":
                    codes.append(array)
                else:  # terms come from one modality only; a block has its column's name
                    blocks[key] = array
        layout = self.layout
        for spec in layout.blocks:
            blocks[spec.name] = replace(blocks[spec.name], spec=spec)
        joined, coded = _joined(numbers, n_rows, np.float32), _joined(codes, n_rows, np.int32)
        look_at_rows(layout, joined, coded, cells, self.recipe.missing == "keep")
        return Batch(layout, {"numbers": joined, "codes": coded, **blocks})

    def _on_disk(self, cells: Kept, n_rows: int) -> Batch:
        """Encode cells of rows on disk; columns that are encoded whole, and terms, are held as they would be in memory."""
        layout = self.layout
        if layout.blocks or layout.n_terms:
            return self.encode(dict(cells), n_rows)
        numbers = shelved((n_rows, len(layout.numbers)), np.float32, cells.folder)
        codes = shelved((n_rows, len(layout.codes)), np.int32, cells.folder)
        begin = 0
        for part in cells.slices():
            end = begin + len(next(iter(part.values())))
            batch = self.encode(part, end - begin)
            numbers[begin:end], codes[begin:end], begin = batch.numbers, batch.codes, end
            for array in (numbers, codes):
                released(array)
        return Batch(layout, {"numbers": numbers, "codes": codes}, cells.folder)

    def to_dict(self) -> dict[str, Any]:
        return {
            "recipe": values_of(self.recipe),
            "parts": [
                {"kind": kind, "columns": list(names), "encoder": encoder.to_dict()}
                for kind, names, encoder in self.parts
            ],
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any], modalities: Modalities) -> Transform:
        parts = tuple((p["kind"], tuple(p["columns"]), modalities(p["kind"]).load(p["encoder"])) for p in data["parts"])
        return Transform(Recipe(**data["recipe"]), parts)


def _refuse(kind: str, names: tuple[str, ...], said: Mapping[str, str], fit: Callable[..., Encoder]) -> None:
    """Raise where a checkpoint is named for a kind of column that has none, or a column is named like an array of every batch."""
    if said and "checkpoints" not in inspect.signature(fit).parameters:
        raise ConfigError(
            f"the column {next(iter(said))!r} names a checkpoint, and columns of kind {kind} take none",
            rule="texts, images and sounds have pretrained encoders",
            found=f"read.checkpoint is {next(iter(said.values()))!r}",
            do="remove read.checkpoint of the column",
        )  # fmt: skip
    taken = [name for name in names if name in ARRAYS]
    if kind in MEDIA_KINDS and taken:
        raise ConfigError(
            f"a column of kind {kind} is named {taken[0]!r}", rule=f"{listed(ARRAYS)} name what the other columns become together",
            found=f"the column {taken[0]!r}",
            do="rename the column in the table",
        )  # fmt: skip


def _joined(arrays: list[np.ndarray], n_rows: int, dtype: type) -> np.ndarray:
    if not arrays:
        return np.zeros((n_rows, 0), dtype)
    return np.ascontiguousarray(arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1), dtype)
