"""Images and sounds of a log: kept once, given back to the letter, and missed by name."""

from __future__ import annotations

import hashlib
from datetime import datetime

import polars as pl
import pytest

from fieldguide.core.errors import StudyError
from fieldguide.core.online.log_media import frame_apart, put_together, references, rows_apart, taken_apart, uri_of

NOON = datetime(2024, 5, 1, 12)
PNG = "data:image/png;base64,aGk="


@pytest.mark.parametrize(
    "cell",
    [
        PNG, "data:text/plain,aGk=", "data:image/png;base64,aGl=", "data:image/png;base64,aG k=", "data:image/png;base64,",
        "data:,", "data:image/png;base64", "data:image/png;base64,aGk=,b", "data:audio/wav;base64,é",
    ],
)  # fmt: skip
def test_every_cell_comes_back_to_the_letter(cell: str) -> None:
    reference, media = taken_apart(cell, NOON)
    assert uri_of(media.head, media.content) == cell
    assert reference == f"media:{media.hash}"
    assert media.time == NOON
    known = cell in (PNG, "data:image/png;base64,")  # the rest is written in a way of its own: bit by bit as text
    assert media.head == (cell.partition(",")[0] if known else "")
    assert media.hash == hashlib.sha256(media.head.encode() + b"\0" + media.content).hexdigest()


def test_rows_and_frames_are_taken_apart_alike() -> None:
    reference, media = taken_apart(PNG, NOON)
    rows, each = rows_apart([(1, PNG, PNG), (2, None, "a.png"), (3, "x", PNG)], (2, 1), NOON)
    assert rows == [(1, reference, reference), (2, None, "a.png"), (3, "x", reference)]
    assert each == [[media, media], [], [media]]
    frame, once = frame_apart(pl.DataFrame({"n": [1, 2], "photo": [PNG, None], "other": [PNG, "a.png"]}), ["photo", "other"], NOON)  # fmt: skip
    assert frame.rows() == [(1, reference, reference), (2, None, "a.png")]
    assert once == [media]
    assert references(frame, ["photo", "other"]) == [media.hash]
    assert references(frame, []) == []


def test_cells_are_put_together_again_or_are_missed() -> None:
    reference, media = taken_apart(PNG, NOON)
    frame = pl.DataFrame({"photo": [reference, None, "a.png"], "n": [1, 2, 3]})
    assert put_together(frame, ["photo"], {media.hash: PNG}).rows() == [(PNG, 1), (None, 2), ("a.png", 3)]
    with pytest.raises(
        StudyError, match=rf"image or sound {media.hash[:16]}… of a row.*none of the 1 that were found.*from a copy"
    ):
        put_together(frame, ["photo"], {"0" * 64: PNG})
