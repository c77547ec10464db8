"""The append-only record."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import StudyError
from fieldguide.core.journal import Journal


def test_records_come_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    for i in range(5):
        journal.append("a" if i % 2 else "b", {"i": i})
    again = Journal(tmp_path / "j.jsonl")
    assert [r["data"]["i"] for r in again.records()] == [0, 1, 2, 3, 4]
    assert again.last("a") == {"i": 3}
    assert again.last("b", i=2) == {"i": 2}
    assert again.last("c") is None


def test_what_is_appended_is_given_back_as_it_will_be_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    first, second = journal.append("a", {"i": np.int64(3), "x": np.array([0.5, 1.0])}), journal.append("a", {})
    assert first["data"] == {"i": 3, "x": [0.5, 1.0]}
    assert second["before"] == first["hash"] and first["before"] == ""
    assert list(Journal(tmp_path / "j.jsonl").records()) == [first, second]
    with pytest.raises(TypeError, match="object is not plain data"):
        journal.append("a", {"x": object()})


@given(st.integers(0, 400))
@settings(max_examples=40, deadline=None)
def test_a_torn_last_line_is_dropped_and_nothing_else(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("j") / "j.jsonl"
    journal = Journal(path)
    for i in range(3):
        journal.append("e", {"i": i, "text": "ü" * 20})
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)])
    kept = [r["data"]["i"] for r in Journal(path).records()]
    assert kept == list(range(whole[: max(0, len(whole) - cut)].count(b"\n")))
    Journal(path).append("e", {"i": 99})
    assert [r["data"]["i"] for r in Journal(path).records()] == [*kept, 99]


def test_an_altered_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    journal.append("look", {"by": "finalize"})
    journal.append("done", {"step": "finalize"})
    path.write_text(path.read_text().replace('"by": "finalize"', '"by": "nobody"'))
    with pytest.raises(StudyError, match=r"was altered.*line 1"):
        Journal(path)


@pytest.mark.parametrize("line", ["not JSON", "[]", "{}", "7", '{"hash": "x"}', '{"hash": "x", "before": ""}'])
def test_a_line_that_is_no_record_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path).append("look", {})
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(StudyError, match=r"was altered.*line 2 does not match"):
        Journal(path)


def test_a_removed_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    for i in range(3):
        journal.append("look", {"i": i})
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[2])
    with pytest.raises(StudyError, match="line 2 does not match"):
        Journal(path)


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    journal.append("e", {"i": 1})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fieldguide.core.journal.os.fsync", full)
    with pytest.raises(StudyError, match=r"No space left on device.*it resumes"):
        journal.append("e", {"i": 2})
    monkeypatch.undo()
    assert [r["data"]["i"] for r in Journal(path).records()] == [1]
    journal.append("e", {"i": 3})
    assert [r["data"]["i"] for r in Journal(path).records()] == [1, 3]


def test_the_file_is_json_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    journal.append("e", {"name": "é", "n": 1})
    (line,) = (tmp_path / "j.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["data"] == {"name": "é", "n": 1}


@pytest.mark.parametrize("written", [True, False], ids=["after the line", "before the line is whole"])
def test_ctrl_c_in_the_midst_of_an_append_breaks_no_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("step", {"n": 1})

    def interrupted(descriptor: int) -> None:
        if not written:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - 5)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("fieldguide.core.journal.os.fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append("step", {"n": 2})
    journal.append("spent", {"n": 3})  # what a sitting records on its way out
    expected = [1, 2, 3] if written else [1, 3]
    assert [record["data"]["n"] for record in journal.records()] == expected
    assert [record["data"]["n"] for record in Journal(journal.path).records()] == expected
