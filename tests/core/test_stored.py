"""Large tables on disk: what a frame answers they answer, and nothing of them stays behind; arrays on disk are arrays."""

from __future__ import annotations

import errno
import gc
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import StudyError
from fieldguide.core.files import shelf, stored
from fieldguide.core.files.shelf import is_shelved, released, shelved, taken
from fieldguide.core.files.stored import Parts, Stored, joined
from fieldguide.core.table import Column, Table, row_keys


def table(n: int = 90) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    return pl.DataFrame({
        "size": pl.Series(rng.normal(size=n)).set(pl.Series(rng.random(n) < 0.1), None),
        "place": [None if r < 0.1 else f"p{int(10 * r)}" for r in rng.random(n)],
        "when": pl.Series(rng.integers(0, 10**15, n)).cast(pl.Datetime("us")), "new": rng.random(n) < 0.5,
    })  # fmt: skip


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "LARGEST", 60)


def kept(frame: pl.DataFrame, folder: Path, each: int = 40) -> Stored:
    parts = Parts(folder, frame.height * frame.width)
    for part in frame.iter_slices(each):
        parts.add(part)
    assert parts.height == frame.height
    found: Any = parts.whole()
    assert isinstance(found, Stored)
    return found


def test_expressions_of_no_column_and_rows_that_come_twice_are_answered_as_well(small: None, tmp_path: Path) -> None:
    frame = table()
    disk = kept(frame, tmp_path)
    assert disk.select(pl.len()).item() == 90
    twice = np.repeat(np.arange(90), 2)
    assert isinstance(disk[twice], pl.DataFrame) and disk[twice].equals(frame[twice])
    assert isinstance(disk[np.arange(0, 90, 2)], Stored) and isinstance(disk[np.arange(90)[::-1]], pl.DataFrame)
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        disk.select(pl.col("nobody") + 1)
    assert not hasattr(disk, "_nothing")  # what copies and shows it asks for more than it has


def test_it_answers_as_the_frame_does(small: None, tmp_path: Path) -> None:
    frame = table()
    disk = kept(frame, tmp_path)
    assert (disk.height, disk.width, disk.columns, len(disk)) == (90, 4, frame.columns, 90)
    assert disk["place"].equals(frame["place"])
    assert disk.select(["when", "size"]).read().equals(frame.select("when", "size"))
    assert disk.drop("new").columns == ["size", "place", "when"]
    expression = (pl.col("size") > 0).fill_null(False).alias("holds")
    assert disk.select(expression).equals(frame.select(expression))
    assert disk.select(late=pl.col("when").dt.year() > 1980).equals(frame.select(late=pl.col("when").dt.year() > 1980))
    known = pl.all_horizontal(pl.col(c).is_not_null() for c in ("size", "place"))
    assert disk.select(known).equals(frame.select(known))
    assert disk.with_columns(expression).equals(frame.with_columns(expression))  # whatever else a frame is asked
    assert disk.schema == frame.schema
    assert disk[frame["new"].to_numpy()].equals(frame.filter("new"))
    assert pl.concat(list(disk.slices())).equals(frame)
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        disk["colour"]


def test_few_rows_are_a_frame_and_many_stay_on_disk(small: None, tmp_path: Path) -> None:
    frame, rng = table(), np.random.default_rng(2)
    disk = kept(frame, tmp_path)
    few, many = np.array([80, 3, 3]), np.sort(rng.permutation(90)[:70])
    assert disk[few].equals(frame[few])
    part = disk[many]
    assert isinstance(part, Stored)
    assert part.height == 70
    assert part.read().equals(frame[many])
    assert part["size"].equals(frame["size"][many])
    inner = part[np.arange(5, 60)]  # rows of rows
    assert isinstance(inner, Stored)
    assert inner.read().equals(frame[many[5:60]])
    assert isinstance(disk[rng.permutation(90)], pl.DataFrame), "rows in another order are not read as slices"
    assert Table(cast(pl.DataFrame, part), (Column("size", "number"),)).loaded.frame.equals(frame[many])


def test_keys_are_those_of_the_frame(small: None, tmp_path: Path) -> None:
    frame = table()
    many = np.arange(10, 80)
    disk: Any = kept(frame, tmp_path)
    assert np.array_equal(row_keys(disk), row_keys(frame))
    assert np.array_equal(row_keys(disk[many]), row_keys(frame)[many])


@pytest.mark.parametrize("which", [(True, True), (True, False), (False, True), (False, False)])
def test_two_tables_are_joined_wherever_they_are(small: None, tmp_path: Path, which: tuple[bool, bool]) -> None:
    frame = table()
    above, below = ((kept(f, tmp_path) if disk else f) for f, disk in zip((frame[:50], frame[50:]), which, strict=True))
    both: Any = joined(cast(pl.DataFrame, above), cast(pl.DataFrame, below))
    assert isinstance(both, Stored) == any(which)
    assert (both.read() if isinstance(both, Stored) else both).equals(frame)


def test_files_go_with_the_last_who_looks(small: None, tmp_path: Path) -> None:
    disk = kept(table(), tmp_path)
    part = disk[np.arange(70)]
    assert len(list(tmp_path.glob("rows-*/*.parquet"))) == 3
    del disk
    gc.collect()
    assert part.read().height == 70
    del part
    gc.collect()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="asks the system whether a process is there")
def test_what_a_killed_process_left_is_removed(small: None, tmp_path: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    left, other = (tmp_path / f"rows-{host}-{gone.stdout.strip()}-x" for host in (platform.node(), "elsewhere"))
    for folder in (left, other):
        folder.mkdir()
        (folder / "000000.parquet").write_bytes(b"rows")
    first = kept(table(), tmp_path)
    kept(table(), tmp_path)
    assert not left.exists()
    assert other.exists(), "of another machine nothing is known"
    assert first.read().height == 90, "a running process keeps its own"


def test_a_small_table_stays_in_memory(tmp_path: Path) -> None:
    parts = Parts(tmp_path, 400)
    parts.add(table())
    assert isinstance(parts.whole(), pl.DataFrame)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(StudyError, match=r"the disk is full: .*000000.parquet.*Do: free some space"):
        kept(table(), tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(StudyError, match=r"the disk is full.*encoded rows that do not fit in memory"):
        shelved((10, 2), np.float32, tmp_path)


def test_an_array_on_disk_is_an_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "STEP", 16)
    values = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    array = shelved(values.shape, np.float32, tmp_path)
    assert not list(tmp_path.iterdir()), "the file has no name"
    array[:] = values
    released(array)
    assert np.array_equal(array, values), "what was let go of is read again"
    rows = np.random.default_rng(1).integers(0, 100, 250)
    again = taken(array, rows, tmp_path)
    assert is_shelved(again)
    assert np.array_equal(again, values[rows])
    assert is_shelved(array[5:])
    assert not is_shelved(array[rows])
    assert shelved((5, 0), np.int32, tmp_path).shape == (5, 0)


def test_rows_that_are_taken_leave_no_pages_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = shelved((10, 2), np.float32, tmp_path)
    array[:] = np.arange(20).reshape(10, 2)
    let_go: list[int] = []
    monkeypatch.setattr(shelf, "STEP", 3)
    monkeypatch.setattr(shelf, "released", lambda some: let_go.append(id(some)))
    found = taken(array, np.array([9, 0, 0, 4, 2]), tmp_path)
    assert found[:, 0].tolist() == [18, 0, 0, 8, 4] and is_shelved(found)
    assert let_go == [id(found), id(found), id(array)], "what is written after every step, what is read at the end"
