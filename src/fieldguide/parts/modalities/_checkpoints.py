"""Pretrained encoders of any kind of data: where their files are, by which hash they are known, and features kept on disk.

Knows folders, names on the hub, hashes and the store of features; nothing of tokens, pixels or waves, and no network. What a
checkpoint makes of a cell is its modality's business; texts, images and sounds share these lines.

A column names its checkpoint in study.yaml: `data.columns.<name>: {read: {checkpoint: NAME_OR_FOLDER}}`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.errors import MissingExtra, ModelError
from fieldguide.core.files.media import SEEN

CONFIG, WEIGHTS = "config.json", "model.safetensors"
SHARDS = "model.safetensors.index.json"
_READ = ("*.json", "*.txt", "*.model", "*.safetensors")  # what is ever read of a checkpoint: no pickles, no code


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained encoder that is at hand.

    Args:
        name: as the study names it: a folder, or a name on the hub.
        folder: where its files are.
        hash: of its configuration, vocabulary and weights, 16 hex digits: what its features are known by.
    """

    name: str
    folder: Path
    hash: str

    @property
    def config(self) -> dict[str, Any]:
        """The architecture, as plain data."""
        config: dict[str, Any] = json.loads((self.folder / CONFIG).read_text(encoding="utf-8"))
        return config


def resolve(name: str, extra: str = "text") -> Checkpoint:
    """Return the checkpoint of a name: a folder on this machine, else what the hub's cache holds, else what the hub has.

    Args:
        name: a folder with config.json and model.safetensors, or a name on the hub such as "google/vit-base-patch16-224".
        extra: whose packages it needs: "text", "image" or "audio".

    Raises:
        ModelError: it cannot be had; the message says which files to put where.
        MissingExtra: transformers is not installed.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _from_hub(name, extra)
    gone = [file for file in (CONFIG,) if not (folder / file).is_file()]
    if not (folder / WEIGHTS).is_file() and not (folder / SHARDS).is_file():
        gone.append(WEIGHTS)
    if gone:
        raise ModelError(
            f"the checkpoint {name!r} is not whole", rule="a checkpoint is a folder with config.json and model.safetensors",
            found=f"{' and '.join(gone)} missing in {folder}; weights that are pickles (pytorch_model.bin) are not read",
            do="save it again by `model.save_pretrained(folder)`",
        )  # fmt: skip
    return Checkpoint(name, folder, _hash(folder))


def _from_hub(name: str, extra: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingExtra("transformers", extra, f"the checkpoint {name!r}") from None
    problem = ""
    for offline in (True, False):
        try:
            return Path(snapshot_download(name, local_files_only=offline, allow_patterns=list(_READ)))
        except Exception as error:  # the hub fails in many ways, and all of them end in the same remedy
            problem = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    raise ModelError(
        f"there is no checkpoint {name!r} here", rule="a checkpoint is a folder on this machine, or a name on the hub that can be reached",
        found=problem[:300],
        do=f"on a machine with a network, download {CONFIG}, {WEIGHTS} and the files of its tokeniser or processor "
        "(tokenizer.json, preprocessor_config.json) into a folder, copy it here, and name that folder",
    )  # fmt: skip


def _hash(folder: Path) -> str:
    return _hash_of(tuple((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in _files(folder)))


def _files(folder: Path) -> list[Path]:
    return sorted({path for pattern in _READ for path in folder.glob(pattern) if path.is_file()})


@cache
def _hash_of(files: tuple[tuple[str, int, int], ...]) -> str:
    found = hashlib.blake2b(digest_size=8)
    for name, _, _ in files:
        found.update(Path(name).name.encode())
        with Path(name).open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def checked(name: str, wanted: str, extra: str = "text") -> Checkpoint:
    """Return the checkpoint of a name if it is the one that a model was made with.

    Raises:
        ModelError: it is another one, or cannot be had.
    """
    found = resolve(name, extra)
    if found.hash != wanted:
        raise ModelError(
            f"the checkpoint {name!r} is not the one this model was made with", rule="features are taken by the same weights",
            found=f"hash {found.hash}, not {wanted}", do="put the checkpoint it was made with there, or fit the model again",
        )  # fmt: skip
    return found


def features(
    keys: Sequence[str], encoder: str, compute: Callable[[Sequence[int]], np.ndarray], width: int
) -> np.ndarray:
    """Return the features of cells, from the study's store where they are kept, computed and kept where they are not.

    Args:
        keys: content hash of each cell, by which its features are known.
        encoder: hash of the encoder with everything that its features depend on (such as pixels or most tokens).
        compute: features of the cells at some places, (places, width); called once, with each content once.
        width: of one cell's features.

    Shape:
        returns: (rows, width) float32
    """
    found = np.empty((len(keys), width), np.float32)
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    store = _store(encoder)
    try:
        missing = []
        for key, at in places.items():
            row = store.execute("SELECT vector FROM features WHERE key = ?", (key,)).fetchone()
            if row is None or len(row[0]) != 4 * width:
                missing.append(key)
            else:
                found[at] = np.frombuffer(row[0], np.float32)
        if missing:
            computed = np.asarray(compute([places[key][0] for key in missing]), np.float32)
            for key, vector in zip(missing, computed, strict=True):
                found[places[key]] = vector
            rows = ((key, vector.tobytes()) for key, vector in zip(missing, computed))
            with store:
                store.executemany("INSERT OR REPLACE INTO features VALUES (?, ?)", rows)
    finally:
        store.close()
    return found


def _store(encoder: str) -> sqlite3.Connection:
    """Open the store of an encoder's features; without a study folder, one that forgets."""
    if SEEN.folder is None:
        path = ":memory:"
    else:
        folder = SEEN.folder / "features"
        folder.mkdir(parents=True, exist_ok=True)
        path = str(folder / f"{encoder}.sqlite")
    store = sqlite3.connect(path, timeout=60)
    store.execute("CREATE TABLE IF NOT EXISTS features (key TEXT PRIMARY KEY, vector BLOB)")
    return store
