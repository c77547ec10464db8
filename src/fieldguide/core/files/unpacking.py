"""Media inside a table's cells: bytes become files, so that a cell is a path and a table stays small in memory.

Knows binary columns, structs of bytes and path (as Hugging Face writes images and sounds), and the first bytes by which
formats are known. Files are named by the hash of their content in the study's folder: the same picture is written once.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from fieldguide.core.files.media import SEEN, content_hash, kind_of

_MAGIC = (
    (b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"), (b"II*\x00", ".tif"), (b"MM\x00*", ".tif"),
    (b"fLaC", ".flac"), (b"OggS", ".ogg"), (b"ID3", ".mp3"), (b"\xff\xfb", ".mp3"),
)  # fmt: skip
ROWS = 256  # read at a time: their bytes are in memory together


def suffix_of(content: bytes) -> str:
    """Return the suffix of an image's or sound's bytes, "" for anything else.

    Examples:
        >>> suffix_of(b"GIF89a"), suffix_of(b"hello")
        ('.gif', '')
    """
    if content[:4] == b"RIFF":
        return {b"WAVE": ".wav", b"WEBP": ".webp"}.get(content[8:12], "")
    return next((suffix for magic, suffix in _MAGIC if content.startswith(magic)), "")


def media_columns(lazy: pl.LazyFrame) -> tuple[str, ...]:
    """Return the columns that hold media: bytes, or structs of bytes and path, of a format that is known."""
    schema = lazy.collect_schema()
    found = []
    for name, dtype in schema.items():
        of_bytes = pl.col(name)
        if isinstance(dtype, pl.Struct):
            fields = {field.name: field.dtype for field in dtype.fields}
            if fields.get("bytes") != pl.Binary or fields.get("path") != pl.String:
                continue
            found.append(name)
            continue
        if dtype != pl.Binary:
            continue
        first = lazy.select(of_bytes.drop_nulls().head(1)).collect().to_series()
        if len(first) and suffix_of(first[0]):
            found.append(name)
    return tuple(found)


def unpacked(lazy: pl.LazyFrame, names: tuple[str, ...]) -> pl.LazyFrame:
    """Return the rows with a path in place of each cell of media; files are written as rows are read, a few at a time."""
    before = lazy.collect_schema()
    schema = pl.Schema({name: pl.String() if name in names else dtype for name, dtype in before.items()})

    def source(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        wanted = lazy if columns is None or predicate is not None else lazy.select(columns)
        total = int(lazy.select(pl.len()).collect().item()) if n_rows is None else n_rows
        for start in range(0, total, ROWS):
            frame = wanted.slice(start, min(ROWS, total - start)).collect()
            if not frame.height:
                return
            frame = frame.with_columns(
                pl.Series(name, [_path(cell) for cell in frame[name]], pl.String)
                for name in names
                if name in frame.columns
            )
            if predicate is not None:
                frame = frame.filter(predicate)
                frame = frame if columns is None else frame.select(columns)
            yield frame

    return register_io_source(source, schema=schema, is_pure=True)


def _path(cell: Any) -> str | None:
    named = ""
    if isinstance(cell, dict):
        named, cell = cell.get("path") or "", cell.get("bytes")
        if cell is None:
            return named or None
    if cell is None:
        return None
    suffix = suffix_of(cell) or (Path(named).suffix if kind_of(named) else ".bin")
    name = content_hash(cell)
    path = _folder() / name[:2] / f"{name}{suffix}"
    if not path.is_file() or path.stat().st_size != len(cell):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_bytes(cell)
        unfinished.replace(path)
    return str(path.resolve())


def _folder() -> Path:
    """The study's folder of files; before there is a study, one for this user among the temporary files."""
    if SEEN.folder is not None:
        return SEEN.folder / "files"
    folder = Path(tempfile.gettempdir()) / f"fieldguide-{os.getuid() if hasattr(os, 'getuid') else 'files'}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
