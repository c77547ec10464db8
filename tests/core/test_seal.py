"""The seal: test rows by content, never redrawn, and every look at them on record."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.contracts import Roles
from fieldguide.core.errors import GateError, StudyError
from fieldguide.core.journal import Journal
from fieldguide.core.seal import Seal
from fieldguide.core.split import Split

KEYS = np.array([50, 40, 30, 20, 10, 20], np.uint64)  # rows 3 and 5 are equal: they lie on one side
NOBODY = Roles(np.zeros(0, np.uint64), np.zeros(0, np.int64))


def split_of(test: list[int], purged: list[int] | None = None, data_hash: str = "a" * 24) -> Split:
    rest = np.setdiff1d(np.arange(len(KEYS)), [*test, *(purged or [])])
    return Split(
        "random", rest, rest, np.array(test), np.array(purged or [], np.int64), (), NOBODY, parts.find("splitters", "random")(), data_hash
    )  # fmt: skip


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return Seal(tmp_path, Journal(tmp_path / "journal.jsonl"))


def test_rows_have_the_part_they_were_given(seal: Seal) -> None:
    assert not seal.exists
    seal.keep(split_of([1, 3, 5], [4]), KEYS, made_before=False)
    assert seal.exists
    assert seal.parts(KEYS, "a" * 24).tolist() == [0, 1, 0, 1, 2, 1]
    assert seal.facts() == {"data_hash": "a" * 24, "scheme": "random", "n_test": 3}


def test_parts_follow_the_content_where_rows_stand_in_another_order(seal: Seal) -> None:
    seal.keep(split_of([1, 3, 5], [4]), KEYS, made_before=False)
    order = np.array([5, 4, 0, 2, 1, 3])
    assert seal.parts(KEYS[order], "a" * 24).tolist() == [1, 2, 0, 0, 1, 1]


def test_a_split_that_moves_rows_is_refused_and_told_how_many(seal: Seal) -> None:
    seal.keep(split_of([1, 4]), KEYS, made_before=False)
    seal.keep(split_of([1, 4]), KEYS, made_before=True)
    with pytest.raises(StudyError, match=r"(?s)asks for another split.*Found: 2 rows would change sides.*Do: undo"):
        seal.keep(split_of([1, 0]), KEYS, made_before=True)
    assert seal.facts()["n_test"] == 2


def test_a_seal_that_is_gone_is_not_made_again(seal: Seal) -> None:
    with pytest.raises(StudyError, match=r"the seal of .* is gone.*Do: restore the folder"):
        seal.keep(split_of([1]), KEYS, made_before=True)
    assert not seal.exists


def test_other_data_is_refused_with_both_hashes(seal: Seal) -> None:
    seal.keep(split_of([1]), KEYS, made_before=False)
    with pytest.raises(StudyError, match=r"data has changed.*was aaaaaaaaaaaa… and is bbbbbbbbbbbb…"):
        seal.parts(KEYS, "b" * 24)


@pytest.mark.parametrize("name", ["seal.json", "assignment.parquet"])
def test_a_damaged_seal_is_named_and_not_redrawn(seal: Seal, name: str) -> None:
    seal.keep(split_of([1]), KEYS, made_before=False)
    (seal.path / name).write_bytes(b"{")
    with pytest.raises(StudyError, match=rf"the seal of .* is damaged.*never redrawn.*{name}: "):
        seal.parts(KEYS, "a" * 24)
    assert (seal.path / name).read_bytes() == b"{"


def test_what_was_half_written_is_no_seal(seal: Seal) -> None:
    seal.path.mkdir()
    pl.DataFrame({"key": KEYS[:2], "part": [1, 1]}).write_parquet(seal.path / "assignment.parquet")
    assert not seal.exists
    seal.keep(split_of([2]), KEYS, made_before=False)
    assert seal.parts(KEYS, "a" * 24).tolist() == [0, 0, 1, 0, 0, 0]


def test_the_first_look_is_free_and_every_other_has_a_reason_on_record(seal: Seal) -> None:
    seal.admit(None)
    assert seal.looks == []
    seal.open("finalize", None)
    first = seal.looks[0]["time"]
    with pytest.raises(GateError, match=rf"already opened by finalize at {re.escape(first)}.*Found: 1 look so far"):
        seal.open("predictions.csv", None)
    with pytest.raises(GateError):
        seal.admit("")
    assert len(seal.looks) == 1
    seal.open("predictions.csv", "a colleague's model")
    assert [(look["by"], look["reason"]) for look in seal.looks] == [
        ("finalize", ""),
        ("predictions.csv", "a colleague's model"),
    ]
    written = [json.loads(line)["data"]["by"] for line in seal.journal.path.read_text().splitlines()]
    assert written == ["finalize", "predictions.csv"]
