"""The PostgreSQL log: the contract of stores on a real server, made in a temporary folder and run by an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fieldguide.core.errors import ConfigError, StudyError
from fieldguide.core.online.log import Outcome, utc
from fieldguide.parts.stores import open_log
from fieldguide.testing import check_store

psycopg = pytest.importorskip("psycopg")


def programs() -> Path:
    """Return the newest server's programs, or skip."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    where = found[-1] if found else Path(shutil.which("initdb") or "/nowhere")
    if not where.is_file():
        pytest.skip("PostgreSQL's server programs are not installed (Debian: postgresql)")
    return where.parent


def ordinary() -> dict[str, Any]:
    """Return how a process is started as an ordinary user: the server refuses to be run by root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("there is no ordinary user 'postgres' to run the server, and root may not")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database server on a free loopback port; yields the URL of its first database."""
    there, who = programs(), ordinary()
    # Not under pytest's folder: an ordinary user may not enter what belongs to root.
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True, **who).stdout.strip())
    try:
        quick = ["-A", "trust", "-U", "log", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [there / "initdb", "-D", folder / "data", *quick], check=True, capture_output=True, cwd="/", **who
        )
        control = [there / "pg_ctl", "-D", folder / "data", "-w", "-t", "240"]
        for _ in range(5):  # another process may take a port between its being free and the server's start
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
            start = [*control, "-o", options, "-l", folder / "server.log", "start"]
            done = subprocess.run(start, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/", **who)
            if not done.returncode:
                break
        else:
            raise AssertionError((folder / "server.log").read_text())
        try:
            yield f"postgresql://log@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/", **who)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """A database of its own."""
    name = f"log_{abs(hash(request.node.name)) % 10**9}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres", f"/{name}")


def test_a_postgresql_log_keeps_the_contract(url: str) -> None:
    check_store(lambda: open_log(url))
    for options, durable in (("", True), ("?options=-csynchronous_commit%3Doff", False)):
        with closing(open_log(url + options)) as store:
            assert store.durable is durable


def test_servers_that_start_at_once_make_one_log(url: str) -> None:
    found: list[Any] = []

    def start(i: int) -> None:
        try:
            store = open_log(url)
            store.append([Outcome(utc(0.0), float(i), unit="u")])
            store.close()
        except StudyError as error:
            found.append(error)

    threads = [threading.Thread(target=start, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not found
    with closing(open_log(url, create=False)) as store:
        assert sorted(store.outcomes()["number"]) == [0, 1, 2, 3]


def test_senders_that_repeat_each_other_at_once_write_an_outcome_once(url: str) -> None:
    sent = [Outcome(utc(float(i)), i % 2, id=f"r{i}-0") for i in range(60)]
    changed = [Outcome(utc(3.0), 0, id="r3-0")]
    found: list[Any] = []

    def send(order: int) -> None:
        try:
            with closing(open_log(url)) as store:
                for _ in range(2):
                    store.append(sent[::order])
        except StudyError as error:
            found.append(error)

    with closing(open_log(url)) as store:
        senders = [threading.Thread(target=send, args=(order,)) for order in (1, -1, 1)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert not found
        store.append(changed)
        store.append(sent)
        assert store.counts()["outcomes"] == 61 and store.outcomes().height == 60
        assert store.corrections().select("id", "was_number", "number").rows() == [("r3-0", 1.0, 0.0)]


def test_a_log_of_an_earlier_version_gets_what_it_lacks(url: str) -> None:
    open_log(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE outcomes DROP COLUMN about, DROP COLUMN token")
        connection.execute(
            "INSERT INTO outcomes (id, name, time, recorded, number, label) VALUES ('r-0', 'outcome', 0, 0, 1, '1')"
        )
    with closing(open_log(url)) as store:
        store.append([Outcome(utc(5.0), 1.0, unit="v")] * 2)
        assert store.outcomes()["number"].to_list() == [1.0, 1.0]


def test_a_connection_that_broke_is_opened_again(url: str) -> None:
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with closing(open_log(url)) as store:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(ended)
        with pytest.raises(StudyError, match="cannot be used"):
            store.append([Outcome(utc(0.0), 1.0, unit="u")])
        store.append([Outcome(utc(0.0), 2.0, unit="u")])
        assert store.outcomes()["number"].to_list() == [2.0]


def test_what_cannot_be_opened_says_why_and_no_password(url: str) -> None:
    with pytest.raises(StudyError, match="there is no log in"):
        open_log(url, create=False)
    with pytest.raises(StudyError, match=r"the log postgresql://log:\*\*\*@127.0.0.1:1/x cannot be used") as found:
        open_log("postgresql://log:secret@127.0.0.1:1/x")
    assert "secret" not in str(found.value)
    with pytest.raises(ConfigError, match="names no database"):
        open_log("postgresql://127.0.0.1")
    with psycopg.connect(url, autocommit=True) as connection:
        open_log(url).close()
        connection.execute("UPDATE log_format SET format = 9")
    with pytest.raises(StudyError, match="is a log of format 9"):
        open_log(url)
