"""The SQLite log: the contract of stores, what its URL may say, and what survives the end of a process."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from fieldguide.core.errors import ConfigError, StudyError
from fieldguide.core.online.log import Batch, Outcome, Prediction, predictions, utc
from fieldguide.core.online.log_cells import blob_of
from fieldguide.parts.stores import open_log
from fieldguide.parts.stores.sqlite import SQLite
from fieldguide.testing import check_store

WRITER = """
import sys
from fieldguide.core.online.log import Outcome, utc
from fieldguide.parts.stores import open_log
store = open_log(sys.argv[1])
for i in range(100_000):
    store.append([Outcome(utc(0.0), float(i), unit="u")])
    print(i, flush=True)
"""


@pytest.mark.parametrize("options", ["", "?synchronous=full"])
def test_a_sqlite_log_keeps_the_contract(tmp_path: Path, options: str) -> None:
    check_store(lambda: open_log(f"sqlite:///{tmp_path}/deep/log.db{options}"))
    assert open_log(f"sqlite:///{tmp_path}/deep/log.db{options}").durable is bool(options)


def test_outcomes_sent_again_after_a_kill_are_there_once(tmp_path: Path) -> None:
    """The sender does not know what arrived: it sends everything again, in another order, and twice."""
    url = f"sqlite:///{tmp_path}/log.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(50):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    store = open_log(url, create=False)
    arrived = store.counts()["outcomes"]
    assert arrived >= 50
    sent = [Outcome(utc(0.0), float(i), unit="u") for i in range(arrived + 20)]
    assert store.held(sent) == ["same"] * arrived + [""] * 20
    store.append(sent[::-1])
    store.append(sent)
    assert sorted(store.outcomes()["number"]) == [float(i) for i in range(arrived + 20)]
    store.close()


def test_a_log_of_an_earlier_version_gets_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    open_log(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX outcomes_about")
        connection.execute("DROP INDEX outcomes_token")
        connection.execute("ALTER TABLE outcomes DROP COLUMN about")
        connection.execute("ALTER TABLE outcomes DROP COLUMN token")
        connection.execute(
            "INSERT INTO outcomes (id, name, time, recorded, number, label) VALUES ('r-0', 'outcome', 0, 0, 1, '1')"
        )
    connection.close()
    store = open_log(f"sqlite:///{path}")
    new = Outcome(utc(5.0), 1.0, unit="v")
    store.append([new, new])
    assert store.outcomes()["number"].to_list() == [1.0, 1.0]
    store.close()


def test_a_path_is_a_sqlite_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("a log#1?.db", "sqlite:///b.db", f"sqlite:///{tmp_path}/c.db"):
        open_log(url).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a log#1?.db", "b.db", "c.db"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://host/log.db", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///log.db?sinchronous=full", "did you mean 'synchronous'"),
        ("sqlite:///log.db?synchronous=off", "full or normal, not 'off'"),
        ("mysql://me:secret@host/log", r"no store opens mysql://me:\*\*\*@host/log"),
        (" ", "is empty"),
    ],
)
def test_a_url_that_opens_nothing_says_why(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_log(url)


def test_a_log_is_not_made_of_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, but long enough to be looked at " * 20)
    with pytest.raises(StudyError, match="is no SQLite file"):
        open_log(f"{tmp_path}/text.db")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    before = (tmp_path / "other.db").read_bytes()
    with pytest.raises(StudyError, match="is a database, but no log"):
        open_log(f"{tmp_path}/other.db")
    assert (tmp_path / "other.db").read_bytes() == before, "somebody else's database is not touched"
    with pytest.raises(StudyError, match="there is no log"):
        open_log(f"{tmp_path}/none.db", create=False)
    assert not (tmp_path / "none.db").exists()
    store = open_log(f"{tmp_path}/old.db")
    store.close()
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("UPDATE log_format SET format = 9")
    old.close()
    with pytest.raises(StudyError, match="is a log of format 9"):
        open_log(f"{tmp_path}/old.db")


def test_a_full_disk_is_told_and_leaves_the_log_whole(tmp_path: Path) -> None:
    store = open_log(f"{tmp_path}/log.db")
    store._connection.execute("PRAGMA max_page_count = 40")  # type: ignore[attr-defined]  # SQLite's own way to be full
    with pytest.raises(StudyError, match=r"the disk is full: the log .*log.db"):
        for i in range(100):
            store.append([Outcome(utc(0.0), "x" * 3000, unit=f"{i}")])
    n = store.counts()["outcomes"]
    store.close()
    assert 0 < n < 100 and open_log(f"{tmp_path}/log.db").counts()["outcomes"] == n
    assert predictions(store).is_empty()


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(200)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
    acknowledged = [int(line) for line in said if line.endswith("\n")]
    kept = open_log(url, create=False).outcomes()["number"].to_list()
    assert len(acknowledged) >= 200
    assert kept[: len(acknowledged)] == acknowledged and len(kept) <= len(acknowledged) + 1


@pytest.mark.parametrize(("merge", "now"), [(50_000, 10**9), (10**9, 200_000)], ids=["beside", "waiting"])
def test_the_write_ahead_file_stays_small_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merge: int, now: int
) -> None:
    monkeypatch.setattr("fieldguide.parts.stores.sqlite.MERGE", merge)
    monkeypatch.setattr("fieldguide.parts.stores.sqlite.MERGE_NOW", now)
    store, ahead = open_log(f"{tmp_path}/log.db"), tmp_path / "log.db-wal"
    largest = 0
    for i in range(200):
        store.append([Outcome(utc(0.0), "x" * 5_000, unit=f"{i}")])
        if store._merging is not None:  # type: ignore[attr-defined]
            store._merging.join()  # type: ignore[attr-defined]
        largest = max(largest, ahead.stat().st_size)
    assert largest < 300_000 < (tmp_path / "log.db").stat().st_size, "200 entries of 5,000 bytes were merged"
    assert store.outcomes()["unit"].to_list() == [str(i) for i in range(200)]
    store.close()
    assert not ahead.exists()


def test_a_long_reader_does_not_hold_the_writer_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldguide.parts.stores.sqlite.MERGE", 10**9)
    monkeypatch.setattr("fieldguide.parts.stores.sqlite.MERGE_NOW", 100_000)
    monkeypatch.setattr("fieldguide.parts.stores.sqlite.PATIENCE", 0.01)
    store, ahead = open_log(f"{tmp_path}/log.db"), tmp_path / "log.db-wal"
    store.append([Outcome(utc(0.0), 1.0, unit="first")])
    reader = sqlite3.connect(tmp_path / "log.db")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM outcomes").fetchone()
    waits: list[bool] = []
    cut = SQLite._cut
    monkeypatch.setattr(SQLite, "_cut", lambda store: waits.append(cut(store)) or waits[-1])
    for i in range(100):
        store.append([Outcome(utc(0.0), "x" * 5_000, unit=f"{i}")])
    assert 1 <= len(waits) < 50 and not any(waits), "a reader made every append wait for the merge"
    reader.close()
    grown = ahead.stat().st_size
    for i in range(60):
        store.append([Outcome(utc(1.0), "x" * 5_000, unit=f"{i}")])
    assert ahead.stat().st_size < grown, "the write-ahead file is cut once the reader is gone"
    store.close()


def test_old_entries_go_in_small_transactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldguide.parts.stores._sql.CHUNK", 10)
    store = open_log(f"{tmp_path}/log.db")
    store.append([Outcome(utc(float(i)), 1.0, unit=f"{i}") for i in range(35)])
    statements: list[str] = []
    store._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    assert store.forget(utc(33.0)) == {"predictions": 0, "refusals": 0, "outcomes": 33}
    assert sum(statement == "COMMIT" for statement in statements) >= 4
    assert store.outcomes()["unit"].to_list() == ["33", "34"]
    store.close()


def test_a_score_that_is_no_number_is_null_in_a_batch_as_in_a_row(tmp_path: Path) -> None:
    answers = pl.DataFrame({"prediction": ["a", "b"], "score": [float("nan"), 0.5], "outputs": [[0.5], [0.5]]})
    blob = blob_of(pl.Series("unit", ["u", "v"]), answers, pl.DataFrame({"age": [1.0, 2.0]}))
    store = open_log(f"{tmp_path}/log.db")
    store.append([Batch("r", utc(0.0), "arm", "m", "c", 2, blob)])
    store.append([Prediction("s-0", "s", "u", utc(0.0), "arm", "m", "c", (1.0,), "a", float("nan"), (0.5,))])
    assert predictions(store)["score"].to_list() == [None, None, 0.5]
    store.close()
