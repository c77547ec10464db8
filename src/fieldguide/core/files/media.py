"""Media files: a cell of an image or sound column as bytes, and what was once found out about a file.

Knows paths, `data:` URIs, sizes and content hashes; what the bytes mean is a modality's. A cell is the text of an absolute
path or of a `data:` URI. Only a column that was opened from a table on this machine has a `root`, and only such a column
may name files: a request that is served brings its bytes with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from fieldguide.core.table import Column

SUFFIXES = {
    "image": (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"),
    "audio": (".wav", ".flac", ".ogg", ".mp3"),
}
FILE_KINDS = tuple(SUFFIXES)
MOST_BYTES = 256 * 1024**2
"""A larger file is not one image or sound to learn from, and is refused before it is read."""
LARGEST_REQUEST = 32 * 1024**2
"""Bytes that a `data:` URI may bring."""
DATA = "data:"
FILES_KEPT, SENT_KEPT = 2_000_000, 20_000
"""Files, and data: URIs, of which what was found out stays in memory: a server meets new ones for ever."""
_INDEX = "media.jsonl"


class BadFile(Exception):
    """A media cell that cannot be used; the message is the fact, such as "the file is empty"."""


def kind_of(name: str) -> str | None:
    """Return "image" or "audio" for a path or a `data:` URI, by its suffix or its media type, else None.

    Examples:
        >>> kind_of("cats/1.JPG"), kind_of("data:audio/wav;base64,AA=="), kind_of("notes.txt")
        ('image', 'audio', None)
    """
    if name.startswith(DATA):
        return next((kind for kind in FILE_KINDS if name.startswith(f"{DATA}{kind}/")), None)
    suffix = Path(name).suffix.lower()
    return next((kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes), None)


def rooted(columns: Sequence[Column], root: Path | None) -> tuple[Column, ...]:
    """Return columns, those of media files with the folder that their paths are relative to; None: no path is followed."""
    return tuple(_rooted(column, root) if column.kind in FILE_KINDS else column for column in columns)


def _rooted(column: Column, root: Path | None) -> Column:
    read = {key: value for key, value in column.read.items() if key != "root"}
    return replace(column, read=read if root is None else {**read, "root": str(Path(root).resolve())})


def wholly_named(frame: pl.DataFrame, columns: Iterable[Column]) -> pl.DataFrame:
    """Return raw rows with the paths of media files written out, for a table that is kept in another folder."""
    reads = {c.name: c.read for c in columns if c.kind in FILE_KINDS and "root" in c.read and c.name in frame.columns}
    return frame.with_columns(
        pl.Series(
            name,
            [t if t is None or t.startswith(DATA) else str(path_of(t, read)) for t in frame[name].to_list()],
            pl.String,
        )
        for name, read in reads.items()
    )


def path_of(text: str, read: Mapping[str, Any]) -> Path:
    """Return the path that a text names: the first of its readings that is there, else the first.

    A text is looked up in the folder `read["folder"]` of the table's folder `read["root"]`, then beside the table itself; with
    `read["suffix"]` behind it where it has none; and as Windows writes it, with backslashes.

    Examples:
        >>> path_of("a7", {"root": "/data", "folder": "photos", "suffix": ".jpg"}).as_posix()
        '/data/photos/a7.jpg'
    """
    suffix = str(read.get("suffix", ""))
    name = text if text.lower().endswith(suffix.lower()) else text + suffix
    spelled = (name, name.replace("\\", "/")) if "\\" in name else (name,)
    folders = [str(read["folder"])] if read.get("folder") else []
    found = [Path(read["root"], folder, one) for folder in (*folders, "") for one in spelled]
    return next((path for path in found if _is_there(path)), found[0]) if len(found) > 1 else found[0]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no disk can hold
        return False


def cell_of(text: str, column: Any) -> str:
    """Return the cell of a raw text: an absolute path that is there and of a usable size, or a `data:` URI as it is.

    Raises:
        BadFile: there is no such file, it is empty or too large, or the column may not name files.
    """
    if text.startswith(DATA):
        bytes_of(text)
        return text
    if column.read.get("root") is None:
        raise BadFile(
            "a path, and only data: URIs are taken here: nothing on this machine's disk is read for a request"
        )
    path = path_of(text, column.read)
    try:
        status = path.stat()
    except (OSError, ValueError):
        raise BadFile("there is no such file") from None
    if path.is_dir():
        raise BadFile("a folder, not a file")
    if status.st_size == 0:
        raise BadFile("the file is empty (0 bytes)")
    if status.st_size > MOST_BYTES:
        raise BadFile(f"the file has {status.st_size:,} bytes, more than {MOST_BYTES:,}")
    return str(path)


def bytes_of(cell: str) -> bytes:
    """Return what a cell holds.

    Raises:
        BadFile: it cannot be read, or is no base64.

    Examples:
        >>> bytes_of("data:image/png;base64,aGk=")
        b'hi'
    """
    if not cell.startswith(DATA):
        try:
            with Path(cell).open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except OSError as error:
            raise BadFile(f"it cannot be read ({error.strerror or error})") from None
    head, comma, body = cell.partition(",")
    if not comma or not head.endswith(";base64"):
        raise BadFile("a data: URI that is not base64")
    if len(body) > LARGEST_REQUEST * 4 // 3:
        raise BadFile(f"a data: URI of more than {LARGEST_REQUEST:,} bytes")
    try:
        found = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise BadFile("a data: URI whose base64 is damaged") from None
    if not found:
        raise BadFile("a data: URI without bytes")
    return found


def uri_of(content: bytes, media_type: str) -> str:
    """Return bytes as a `data:` URI.

    Examples:
        >>> uri_of(b"hi", "image/png")
        'data:image/png;base64,aGk='
    """
    return f"{DATA}{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def told(cell: str) -> str:
    """Return a cell as people read it: the end of its path, or the type and size of what a `data:` URI holds.

    Examples:
        >>> told("/data/cats/1.png"), told("data:image/png;base64,aGk=")
        ('cats/1.png', 'image/png, 3 bytes')
    """
    if cell.startswith(DATA):
        return f"{cell[len(DATA) : cell.find(';')]}, {3 * (len(cell) - cell.find(',') - 1) // 4:,} bytes"
    return "/".join(Path(cell).parts[-2:])


def content_hash(content: bytes) -> str:
    """Return the hash by which equal files are known, whatever their names: 32 hex digits."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def by_content(frame: pl.DataFrame, columns: Iterable[Column]) -> pl.DataFrame:
    """Return the frame with the content hash in place of each media cell, so that a renamed copy is the same row.

    A cell that cannot be read keeps its text.
    """
    changed = []
    for column in columns:
        if column.kind not in FILE_KINDS or column.name not in frame.columns:
            continue
        texts = frame[column.name].cast(pl.String).to_list()
        with ThreadPoolExecutor(2) as pool:
            hashes = pool.map(lambda text, column=column: _hash_of(text, column), texts)
            changed.append(pl.Series(column.name, list(hashes), pl.String))
    return frame.with_columns(changed) if changed else frame


def _hash_of(text: str | None, column: Any) -> str | None:
    if text is None:
        return None
    try:
        cell = text if Path(text).is_absolute() and "root" not in column.read else cell_of(text.strip(), column)
        return str(SEEN.facts(cell, "hash", lambda content: {"hash": content_hash(content)})["hash"])
    except BadFile:
        return text


class Seen:
    """What was found out about files, by path, size and time of change: in memory, and in the folder of the study that works.

    Nothing here is ever needed: without it a file is looked at again.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._read: set[Path] = set()
        self._written: dict[Path, set[tuple[str, str]]] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        self._sent: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def keep_in(self, folder: Path | None) -> None:
        """Keep what is found out in a folder (None: in memory only), and take what is kept there already.

        Of several studies that are open the one that works says so; what is known of a file in one of them is written to the
        folder of the other once it is asked for there.
        """
        folder = None if folder is None else Path(folder)
        if folder == self.folder:
            return
        self.folder = folder
        path = None if folder is None else folder / _INDEX
        if folder is None or path is None or folder in self._read or not path.is_file():
            return
        self._read.add(folder)
        with path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    name, facts = json.loads(line)
                except ValueError:
                    continue  # a killed run may leave half a line; the file is looked at again
                self._facts.setdefault(name, {}).update(facts)
                self._written.setdefault(folder, set()).update((name, about) for about in facts)

    def facts(self, cell: str, about: str, find: Callable[[bytes], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what is known of a cell, after `find(bytes)` unless the fact `about` is known.

        Raises:
            BadFile: the cell cannot be read.
        """
        name = self._name(cell)
        kept = self._sent if cell.startswith(DATA) else self._facts
        known = kept.get(name)
        if known is not None and about in known:
            if (
                self.folder is not None
                and (name, about) not in self._written.get(self.folder, ())
                and kept is self._facts
            ):
                with self._lock:
                    self._write(name, known)
            return known
        found = dict(find(bytes_of(cell)))
        with self._lock:
            if len(kept) >= (SENT_KEPT if kept is self._sent else FILES_KEPT):
                kept.clear()
            known = kept.setdefault(name, {})
            known.update(found)
            if self.folder is not None and not cell.startswith(DATA):
                self._write(name, found)
        return known

    def _write(self, name: str, found: Mapping[str, Any]) -> None:
        """Append what was found out about a file to the index of the study that works."""
        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _INDEX).open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, found]) + "\n")
        self._written.setdefault(self.folder, set()).update((name, about) for about in found)

    def known(self, cell: str) -> Mapping[str, Any]:
        """Return what was found out about a cell so far; nothing where the file is gone."""
        try:
            return (self._sent if cell.startswith(DATA) else self._facts).get(self._name(cell), {})
        except BadFile:
            return {}

    @staticmethod
    def _name(cell: str) -> str:
        if cell.startswith(DATA):
            return content_hash(cell.encode())
        try:
            status = Path(cell).stat()
        except OSError as error:
            raise BadFile(f"it cannot be read ({error.strerror or error})") from None
        return f"{cell}|{status.st_size}|{status.st_mtime_ns}"


SEEN = Seen()
"""What this process knows of media files."""
