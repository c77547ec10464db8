"""The embedding: a vector for every word, or for every item of sessions. A folder without pickles.

Knows words, vectors, the files that hold them and their hashes, and how texts and items become features. How vectors are
learned is `parts.embedders`' business; what is near what is `core.words.nearness`'.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fieldguide.core.errors import DataError, ModelError, listed, nearest
from fieldguide.core.files.disk import writing
from fieldguide.core.files.manifest import MANIFEST, read_json, verify, write_json, write_manifest
from fieldguide.core.words.vocabulary import coded, words_of

FORMAT = 1
FILES = ("embedding.json", "vectors.safetensors")
SMOOTH = 1e-3
"""The constant a of the weight a / (a + share) that inverse frequency gives a word."""

Weighting = Literal["equal", "inverse_frequency"]


@dataclass(frozen=True)
class Embedding:
    """Vectors of words, the most frequent word first.

    Args:
        words: the words or ids.
        counts: how often each came in the corpus it was learned from.
        inputs: vectors of words as targets: what alike words have alike. These are the features.
        outputs: vectors of words as contexts: what stands beside a word has an output like its input.
        of: "texts", cut into words, or "items", ids as they stand.
        facts: settings, corpus and the course of the learning, as plain data.

    Shape:
        counts: (n_words,) int64
        inputs, outputs: (n_words, d) float32

    Examples:
        >>> found = Embedding(("a", "b"), np.array([2, 1]), np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32))
        >>> found.code("b"), found.features(["b a!", "c"]).tolist()
        (1, [[0.5, 0.5], [nan, nan]])
    """

    words: tuple[str, ...]
    counts: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray
    of: Literal["texts", "items"] = "texts"
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def dimensions(self) -> int:
        return int(self.inputs.shape[1])

    @cached_property
    def codes(self) -> dict[str, int]:
        return {word: code for code, word in enumerate(self.words)}

    def code(self, word: str) -> int:
        """Return the number of a word; words of texts are in lower case.

        Raises:
            DataError: the word is unknown; names the nearest.
        """
        found = self.codes.get(word, self.codes.get(word.lower()) if self.of == "texts" else None)
        if found is None:
            what = "word" if self.of == "texts" else "item"
            raise DataError(
                f"the {what} {word!r} is not in the embedding{nearest(word.lower(), self.words)}",
                rule=f"an embedding answers for the {what}s it was learned from",
                found=f"{len(self):,} {what}s, such as {listed(self.words[:3])}",
                do=f"ask for one that was learned, or learn from more {self.of}",
            )
        return found

    def features(self, values: Any, weighting: Weighting = "equal") -> np.ndarray:
        """Return the mean vector of each cell's known words; a cell without any is NaN throughout.

        Args:
            values: texts, or for an embedding of items single ids or lists of ids; a list, an array or a Polars series.
            weighting: "equal", or "inverse_frequency": a / (a + share) with the word's share of the corpus, so that
                frequent words count less (Arora et al. 2017, without the removal of the first component, which would have
                to be fitted on the rows).

        Shape:
            returns: (rows, d) float32
        """
        codes, rows, n = self._known(values)
        weights = np.ones(len(codes)) if weighting == "equal" else self._rare[codes]
        total = np.zeros((n, self.dimensions))
        np.add.at(total, rows, self.inputs[codes] * weights[:, None])
        mass = np.bincount(rows, weights, minlength=n)
        return np.divide(total, mass[:, None], out=np.full_like(total, np.nan), where=mass[:, None] > 0).astype(
            np.float32
        )

    def known(self, values: Any) -> np.ndarray:
        """Return how many known words each cell has.

        Shape:
            returns: (rows,) int64
        """
        _, rows, n = self._known(values)
        return np.bincount(rows, minlength=n)

    @cached_property
    def _rare(self) -> np.ndarray:
        return SMOOTH / (SMOOTH + self.counts / self.counts.sum())

    def _known(self, values: Any) -> tuple[np.ndarray, np.ndarray, int]:
        column = values if isinstance(values, pl.Series) else pl.Series(list(values), dtype=_dtype(values))
        if isinstance(column.dtype, pl.List):
            sequences = column.cast(pl.List(pl.String)).fill_null([])
        elif self.of == "texts":
            sequences = words_of(column)
        else:
            sequences = column.cast(pl.String).reshape((-1, 1)).cast(pl.List(pl.String))
        codes, rows = coded(sequences, self.words)
        return codes, rows, len(sequences)

    def save(self, folder: str | Path) -> Path:
        """Write the folder: words and facts as JSON, vectors as safetensors, a hash of each. Complete or not there at all.

        Raises:
            DataError: the folder exists and is not an embedding.
            StudyError: the disk is full or the place may not be written.
        """
        folder = Path(folder)
        if folder.exists() and not (folder / "manifest.json").is_file() and (folder.is_file() or any(folder.iterdir())):
            raise DataError(
                f"{folder} exists and is not an embedding", rule="an embedding is written to a new folder or over an old one",
                found="a file" if folder.is_file() else f"it holds {listed(sorted(p.name for p in folder.iterdir()), limit=3)}",
                do="name another folder by -o",
            )  # fmt: skip
        unfinished = folder.with_name(f".{folder.name}.writing")
        try:
            with writing(folder, "the folder of an embedding is complete or not there at all"):
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir(parents=True)
                described = {"format": FORMAT, "of": self.of, "facts": dict(self.facts), "words": list(self.words)}
                write_json(unfinished / "embedding.json", described)
                arrays = {"inputs": self.inputs, "outputs": self.outputs, "counts": self.counts.astype(np.int64)}
                save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, unfinished / "vectors.safetensors")
                write_manifest(unfinished)
                if folder.exists():
                    shutil.rmtree(folder)
                unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return folder

    @staticmethod
    def load(folder: str | Path) -> Embedding:
        """Open a folder that `save` wrote: hashes first.

        Raises:
            ModelError: it is not an embedding, or a file is missing, altered or of another format.
        """
        folder = Path(folder)
        digests = _verified(folder)
        return _opened(folder, digests)


@lru_cache(maxsize=4)
def _opened(folder: Path, digests: tuple[str, ...]) -> Embedding:
    """Read an embedding whose hashes hold; the last few are kept, so that many calls for features read it once."""
    described = read_json(folder / "embedding.json")
    if described.get("format") != FORMAT:
        raise ModelError(
            f"{folder} has another format",
            rule=f"this version reads format {FORMAT}",
            found=repr(described.get("format")),
            do="learn it again with this version",
        )
    try:
        arrays = load_file(folder / "vectors.safetensors")
        words, of, facts = tuple(described["words"]), described["of"], described["facts"]
    except (KeyError, TypeError, OSError, SafetensorError) as error:  # the hashes fit, and what they vouch for does not
        raise ModelError(
            f"{folder} is damaged", rule="its files hold what `Embedding.save` writes", found=f"{type(error).__name__}: {error}",
            do="copy the folder again, or learn it again",
        ) from error  # fmt: skip
    for name in ("inputs", "outputs", "counts"):
        if name not in arrays or len(arrays[name]) != len(words):
            raise ModelError(
                f"{folder} is damaged", rule="there is a vector for every word", found=f"{name!r} does not fit",
                do="copy the folder again, or learn it again",
            )  # fmt: skip
    return Embedding(words, arrays["counts"], arrays["inputs"], arrays["outputs"], of, facts)


def features(values: Any, folder: str | Path, weighting: Weighting = "equal") -> np.ndarray:
    """Return the features that the embedding in `folder` gives texts or ids; see `Embedding.features`.

    Shape:
        returns: (rows, d) float32
    """
    return Embedding.load(folder).features(values, weighting)


def _dtype(values: Any) -> Any:
    lists = any(isinstance(value, (list, tuple, np.ndarray)) for value in values)
    numbers = isinstance(values, np.ndarray) and values.dtype.kind in "iu"
    return None if lists or numbers or any(isinstance(value, int) for value in values) else pl.String


def _verified(folder: Path) -> tuple[str, ...]:
    """Prove that the folder is the one that was written, and return the hashes of its files."""
    verify(folder, "an embedding", "`fieldguide embed train`", "embedding.json")
    files = read_json(folder / MANIFEST)["files"]
    if set(files) != set(FILES):
        raise ModelError(
            f"{folder / MANIFEST} is damaged", rule=f"an embedding has the files {listed(FILES)}", found=listed(files),
            do="copy the folder again, or learn it again",
        )  # fmt: skip
    return tuple(files[name] for name in FILES)
