"""Folders as tables: class-name folders, train and test folders, media beside a table of their paths, Parquet shards.

Knows names of files and folders; no column kinds, and no file's content but that of a table. What a folder is, in order:
`metadata.csv`, `metadata.jsonl` or a single table in it; Parquet shards named by their part; folders named `train`, `test` and
the like, with any of these or folders of classes inside; folders of classes; a heap of media files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import polars as pl

from fieldguide.core.errors import DataError, listed
from fieldguide.core.figures import count
from fieldguide.core.files.media import DATA, FILE_KINDS, SUFFIXES, kind_of

PARTS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test", "eval": "test",
}  # fmt: skip
SPLIT, LABEL = "split", "label"
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
LOOKED_AT = 20_000  # characters of a text file that tell a table of files from a note
_SHARD = re.compile(r"^([a-z]+)(?:[-_.].*)?\.parquet$")

Found = tuple[pl.LazyFrame, tuple[str, ...], tuple[str, ...]]


def look_into(folder: Path, tables: Collection[str]) -> Path | Found:
    """Return what a folder holds: the one table in it, or (rows, parts that its folders give, what was decided).

    Paths in the rows are relative to the folder; the column of labels is `label`, that of parts `split`.

    Args:
        folder: an existing folder.
        tables: suffixes of tables.

    Raises:
        DataError: it holds nothing that makes a table, or classes beside files of none.
    """
    folders, files = _listed(folder)
    for name in METADATA:
        if name in files:
            return folder / name
    shards = _shards(folder, folders, files)
    if shards:
        return _stacked(shards)
    parts = {name: PARTS[name.lower()] for name in folders if name.lower() in PARTS}
    if parts and ("test" in parts.values() or "train" in parts.values()):
        return _parts(folder, parts, set(folders) - set(parts))
    found = [name for name in files if Path(name).suffix.lower() in tables]
    if len(found) == 1 and not _is_prose(folder / found[0]):
        return folder / found[0]
    rows = list(_media(folder, folders, files))
    found = [name for name in found if not (rows and _is_prose(folder / name))]
    if len(found) == 1:
        return folder / found[0]
    offered = f": {listed(sorted(found))}" if found else ""
    classes = {label for _, label in rows}
    if found and len(classes) == 1 and None not in classes:
        raise DataError(
            f"{folder} holds {len(found):,} tables and one folder of files", rule="a folder holds one table, or folders of classes with images or sounds in them",
            found=f"{listed(sorted(found))}; the files lie in {classes.pop()!r}", do="name the table itself",
        )  # fmt: skip
    if rows:
        return _frame(rows, folder), (), ()
    raise DataError(
        f"{folder} is a folder that makes no table", rule="a folder holds one table, or folders of classes with images or sounds in them",
        found=f"{count(len(folders), 'folder')} and {count(len(files), 'file')}, none of them {', '.join(SUFFIXES['image'][:3] + SUFFIXES['audio'][:2])} …",
        do=f"name a file in it{offered}",
    )  # fmt: skip


def _is_hidden(name: str) -> bool:
    """What systems lay down beside people's files: .DS_Store, ._photo.jpg and __MACOSX of a Mac, @eaDir of a disk station."""
    return name.startswith(".") or name in ("__MACOSX", "@eaDir")


def _is_prose(path: Path) -> bool:
    """Whether a .txt file beside media names none of them: a note to people, no table."""
    if path.suffix.lower() != ".txt":
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        words = re.split(r"[\s,;|\"]+", file.read(LOOKED_AT))
    return not any(kind_of(word) for word in words if not word.startswith(DATA))


def _listed(folder: Path) -> tuple[list[str], list[str]]:
    entries = sorted(
        (entry for entry in os.scandir(folder) if not _is_hidden(entry.name)), key=lambda entry: entry.name
    )
    return [e.name for e in entries if e.is_dir()], [e.name for e in entries if e.is_file()]


def _shards(folder: Path, folders: Sequence[str], files: Sequence[str]) -> list[tuple[Path, str]]:
    """Return Parquet files named train-00000-of-00003.parquet and their parts, also in a folder `data`."""
    if not any(name.endswith(".parquet") for name in files) and "data" in folders:
        folder = folder / "data"
        files = _listed(folder)[1]
    named = [(name, _SHARD.match(name)) for name in files if name.endswith(".parquet")]
    found = [(folder / name, PARTS[match[1]]) for name, match in named if match and match[1] in PARTS]
    return found if found and len(found) == len(named) else []


def _stacked(shards: Sequence[tuple[Path, str]]) -> Found:
    frames = [pl.scan_parquet(path).with_columns(pl.lit(part).alias(SPLIT)) for path, part in shards]
    parts = tuple(dict.fromkeys(part for _, part in shards))
    return pl.concat(frames, how="vertical_relaxed"), parts, (_said(parts),)


def _parts(folder: Path, parts: dict[str, str], others: Collection[str]) -> Found:
    """Return the rows of train and test folders, each with folders of classes or metadata of its own."""
    frames: list[pl.LazyFrame] = []
    for name, part in parts.items():
        folders, files = _listed(folder / name)
        told = next((file for file in METADATA if file in files), None)
        if told is not None:
            frame = _beside(folder / name / told, name)
        else:
            rows = [(f"{name}/{path}", label) for path, label in _media(folder / name, folders, files)]
            if not rows:
                raise DataError(
                    f"{folder / name} holds no images or sounds", rule="each part has folders of classes with files in them",
                    found=f"{count(len(folders), 'folder')} and {count(len(files), 'file')}", do="remove the folder, or fill it",
                )  # fmt: skip
            frame = _frame(rows, folder)
        frames.append(frame.with_columns(pl.lit(part).alias(SPLIT)))
    notes = [_said(tuple(dict.fromkeys(parts.values())))]
    if others:
        notes.append(f"folders that are no part of it were left alone: {listed(sorted(others))}")
    return pl.concat(frames, how="diagonal_relaxed"), tuple(dict.fromkeys(parts.values())), tuple(notes)


def _beside(path: Path, part: str) -> pl.LazyFrame:
    """Return the rows of a metadata file, their paths relative to the folder above."""
    frame = _metadata(path)
    texts = {name: frame[name].drop_nulls().to_list() for name, dtype in frame.schema.items() if dtype == pl.String}
    named = [name for name, cells in texts.items() if cells and all(kind_of(cell) is not None for cell in cells)]
    if not named:
        raise DataError(
            f"{path} names no files", rule="one of its columns holds the paths of images or sounds, relative to its folder",
            found=f"its columns are {listed(frame.columns)}", do="add the column file_name",
        )  # fmt: skip
    return frame.lazy().with_columns((pl.lit(f"{part}/") + pl.col(name)).alias(name) for name in named)


def _metadata(path: Path) -> pl.DataFrame:
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False)
    return pl.read_ndjson(path) if path.suffix == ".jsonl" else pl.read_parquet(path)


def _said(parts: Sequence[str]) -> str:
    return f"the column {SPLIT!r} is the folder's division into {', '.join(parts)}"


def _media(folder: Path, folders: Sequence[str], files: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield (path relative to the folder, class or None) of media files; a class is the name of the folder at the top."""
    loose = [name for name in files if kind_of(name) is not None]
    yield from ((name, None) for name in loose)
    for name in folders:
        for place, inside, found in os.walk(folder / name):
            inside[:] = sorted(one for one in inside if not _is_hidden(one))
            below = Path(place).relative_to(folder)
            files = sorted(file for file in found if kind_of(file) is not None and not _is_hidden(file))
            yield from ((f"{below.as_posix()}/{file}", name) for file in files)


def _frame(rows: Sequence[tuple[str, str | None]], folder: Path) -> pl.LazyFrame:
    kinds = {kind_of(path) for path, _ in rows}
    labels = [label for _, label in rows]
    if len(kinds) > 1:
        raise DataError(
            f"{folder} holds images and sounds", rule="a folder without a table holds one kind of file",
            found=listed(sorted({Path(path).suffix for path, _ in rows})), do=f"describe the rows in a {METADATA[0]} with a column of paths for each kind",
        )  # fmt: skip
    if any(label is None for label in labels) and any(label is not None for label in labels):
        loose = [path for path, label in rows if label is None]
        raise DataError(
            f"{folder} holds folders of classes and files of no class", rule="every file lies in the folder of its class, or none does",
            found=f"{count(len(loose), 'file')} beside the folders, such as {loose[0]!r}", do="move them into folders, or out of the way",
        )  # fmt: skip
    (kind,) = kinds & set(FILE_KINDS)
    columns = {str(kind): [path for path, _ in rows]}
    if labels[0] is not None:
        columns[LABEL] = [str(label) for label in labels]
    return pl.DataFrame(columns).lazy()
