"""Images and sounds in a log: the bytes once, by their content hash, and a reference in every row that was answered with them.

Knows how a cell is taken apart into a reference and its bytes and put together again, to the letter. Where the bytes lie is each store's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from fieldguide.core.errors import StudyError
from fieldguide.core.files.media import DATA, FILE_KINDS
from fieldguide.core.online.log import Media
from fieldguide.core.table import Column

REFERENCE = "media:"
"""How a cell begins whose bytes lie apart; no request can bring such a cell."""


def media_columns(columns: Sequence[Column]) -> tuple[int, ...]:
    """Return the places of columns that hold images or sounds."""
    return tuple(i for i, column in enumerate(columns) if column.kind in FILE_KINDS)


def taken_apart(cell: str, time: datetime) -> tuple[str, Media]:
    """Return a reference to a `data:` URI, and what is kept of it once.

    Examples:
        >>> cell, media = taken_apart("data:image/png;base64,aGk=", datetime(2024, 5, 1))
        >>> cell == f"media:{media.hash}", media.head, media.content, uri_of(media.head, media.content)
        (True, 'data:image/png;base64', b'hi', 'data:image/png;base64,aGk=')
    """
    head, _, body = cell.partition(",")
    try:
        content = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not head.endswith(";base64") or uri_of(head, content) != cell:
        head, content = "", cell.encode()  # written in a way of its own: kept to the letter
    digest = hashlib.sha256(head.encode() + b"\0" + content).hexdigest()
    return REFERENCE + digest, Media(digest, head, content, time)


def uri_of(head: str, content: bytes) -> str:
    """Return the cell that was taken apart."""
    return f"{head},{base64.b64encode(content).decode()}" if head else content.decode()


def rows_apart(
    rows: Sequence[tuple[Any, ...]], places: Sequence[int], time: datetime
) -> tuple[list[tuple[Any, ...]], list[list[Media]]]:
    """Return rows with references in some places, and row by row what they refer to."""
    found, media = [], []
    for row in rows:
        cells, own = list(row), []
        for place in places:
            if isinstance(cells[place], str) and cells[place].startswith(DATA):
                cells[place], one = taken_apart(cells[place], time)
                own.append(one)
        found.append(tuple(cells))
        media.append(own)
    return found, media


def frame_apart(typed: pl.DataFrame, names: Sequence[str], time: datetime) -> tuple[pl.DataFrame, list[Media]]:
    """Return a typed frame with references in some columns, and what they refer to, each once."""
    media: dict[str, Media] = {}
    for name in names:
        cells = typed[name].to_list()
        for i, cell in enumerate(cells):
            if isinstance(cell, str) and cell.startswith(DATA):
                cells[i], one = taken_apart(cell, time)
                media[one.hash] = one
        typed = typed.with_columns(pl.Series(name, cells, dtype=pl.String))
    return typed, list(media.values())


def references(cells: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the hashes that some columns refer to, each once."""
    found = (cell for name in names for cell in cells[name].drop_nulls().to_list() if cell.startswith(REFERENCE))
    return sorted({cell.removeprefix(REFERENCE) for cell in found})


def put_together(cells: pl.DataFrame, names: Iterable[str], kept: Mapping[str, str]) -> pl.DataFrame:
    """Return cells with what their references stand for.

    Raises:
        StudyError: the log does not hold what a row refers to.
    """

    def whole(cell: str | None) -> str | None:
        if cell is None or not cell.startswith(REFERENCE):
            return cell
        digest = cell.removeprefix(REFERENCE)
        if digest not in kept:
            raise StudyError(
                f"the log does not hold the image or sound {digest[:16]}… of a row", rule="bytes are kept as long as a row refers to them",
                found=f"it is none of the {len(kept):,} that were found",
                do="restore the log from a copy",
            )  # fmt: skip
        return kept[digest]

    return cells.with_columns(
        pl.Series(name, [whole(cell) for cell in cells[name].to_list()], dtype=pl.String) for name in names
    )  # fmt: skip
