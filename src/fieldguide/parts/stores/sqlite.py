"""A log in one SQLite file, in write-ahead mode."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from fieldguide.core.errors import ConfigError, StudyError, nearest
from fieldguide.core.figures import count
from fieldguide.core.files.disk import disk_error
from fieldguide.core.online.log import Entry
from fieldguide.parts.stores import _sql

TYPES = {"integer": "INTEGER", "real": "REAL", "blob": "BLOB", "serial": "INTEGER PRIMARY KEY"}
SYNCHRONOUS = ("normal", "full")
MERGE = 4 * 1024**2
"""Bytes of the write-ahead file from which it is merged beside the writing."""
MERGE_NOW = 64 * 1024**2
"""Bytes from which the writer waits until it is merged and cut: under endless load merging beside never gets to its end."""
PATIENCE = 0.2
"""Seconds the writer waits for readers to let go of the write-ahead file before it is cut; else it may grow by as much again."""
TIMEOUT = 30.0
"""Seconds a connection waits for another that writes."""


class SQLite(_sql.Reading):
    """A log in one SQLite file: `sqlite:///relative.db`, `sqlite:////absolute.db`.

    Writers take turns, readers see whole transactions and never wait. With `?synchronous=normal` (the default) what was
    appended survives the end of the process (kill -9), but perhaps not of the machine; `?synchronous=full` waits for the
    disk at every commit, so that it survives a power cut too. The write-ahead file is merged by a thread of its own, so
    that no answer waits for that.

    Args:
        url: as above.
        create: make the file where there is none.

    Raises:
        StudyError: the file is missing, cannot be opened, is no SQLite file or holds another format of log.

    Source:
        SQLite's documentation, "Write-Ahead Logging" and "PRAGMA synchronous".
    """

    name: ClassVar[str] = "sqlite"
    schemes: ClassVar[tuple[str, ...]] = ("sqlite",)

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.path, self.synchronous = _read(url)
        if not self.path.is_file() and not create:
            raise StudyError(
                f"there is no log {self.path}",
                rule="a log is made by fieldguide serve",
                found="no such file",
                do="name the log that fieldguide serve wrote, such as sqlite:///predictions.db",
            )
        self._lock = threading.Lock()
        self._ahead, self._merged = self.path.with_name(self.path.name + "-wal"), 0
        self._cut_from = MERGE_NOW
        self._merging: threading.Thread | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._refuse_other()
            self._connection = self._connect()
            self._prepare(self._connection)
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")
            # cut to what is in it when it starts again: else its size would tell the longest it ever was, and merging
            # would wait for one MERGE more each time
            self._connection.execute("PRAGMA journal_size_limit = 0")
        except (sqlite3.Error, OSError) as error:
            raise _failed(error, self.path) from error

    @property
    def durable(self) -> bool:
        return self.synchronous == "full"

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries in one transaction."""
        statements = _sql.inserts(entries, "?")
        with self._lock:
            self._write(statements)
            self._merge()

    def forget(self, before: datetime) -> dict[str, int]:
        """Delete what is older than `before`; the file's pages are used again."""
        return _sql.forgotten(before, self.mark, self._delete)

    def close(self) -> None:
        """Close the file; the write-ahead file is merged into it."""
        with self._lock:
            if self._merging is not None:
                self._merging.join()
            self._connection.close()

    def _write(self, statements: Sequence[tuple[str, list[tuple[Any, ...]]]]) -> None:
        try:
            with self._connection as connection:  # commits, or rolls back what an error left
                for statement, rows in statements:
                    connection.executemany(statement, rows)
        except (sqlite3.Error, OverflowError) as error:
            raise _failed(error, self.path) from error

    def _merge(self) -> None:
        size = self._ahead.stat().st_size if self._ahead.exists() else 0
        if size > self._cut_from:
            self._cut_from = MERGE_NOW if self._cut() else size + MERGE_NOW
            self._merged = 0
        elif size - self._merged > MERGE and (self._merging is None or not self._merging.is_alive()):
            self._merged = size
            self._merging = threading.Thread(target=self._merge_beside, name="log-merge", daemon=True)
            self._merging.start()
        elif size < self._merged:  # it was merged to its end and is written from its start again
            self._merged = size

    def _cut(self) -> bool:
        """Merge the write-ahead file and cut it; False where a reader holds it, or it cannot be done now."""
        self._connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
        try:
            busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:  # what was appended is committed all the same; a disk that is full fails the next append
            return False
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {TIMEOUT * 1000:.0f}")
        return not busy

    def _delete(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                with self._connection as connection:
                    return connection.execute(statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise _failed(error, self.path) from error

    def _merge_beside(self) -> None:
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _select(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[list[tuple[Any, ...]]]:
        """Yield rows from a connection of their own: one snapshot, and no writer waits."""
        try:
            with closing(self._connect()) as connection:
                cursor = connection.execute(statement, parameters)
                cursor.arraysize = 1 if "blob" in statement else _sql.CHUNK  # blobs are large: one at a time
                while rows := cursor.fetchmany():
                    yield rows
        except sqlite3.Error as error:
            raise _failed(error, self.path) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=TIMEOUT, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self.synchronous.upper()}")
        return connection

    def _refuse_other(self) -> None:
        """Refuse somebody else's database, before anything of it is changed: write-ahead mode stays in a file."""
        with closing(sqlite3.connect(self.path, timeout=TIMEOUT)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and "log_format" not in tables:
            raise StudyError(
                f"{self.path} is a database, but no log", rule="a log has a file of its own", found=count(len(tables), "table"),
                do="name another file",
            )  # fmt: skip

    def _prepare(self, connection: sqlite3.Connection) -> None:
        with connection:
            for statement in _sql.tables(TYPES):
                connection.execute(statement)
            self._add_columns(connection)
            for statement in _sql.INDEXES:
                connection.execute(statement)
            found = connection.execute("SELECT format FROM log_format").fetchone()
            if found is None:
                connection.execute("INSERT INTO log_format VALUES (?)", (_sql.FORMAT,))
            elif found[0] != _sql.FORMAT:
                raise StudyError(
                    f"{self.path} is a log of format {found[0]}",
                    rule=f"this version reads format {_sql.FORMAT}",
                    found=f"format {found[0]}",
                    do="update fieldguide, or name another log",
                )

    @staticmethod
    def _add_columns(connection: sqlite3.Connection) -> None:
        """Give a log of an earlier version the columns it lacks; another process may be doing the same."""

        def missing() -> list[tuple[str, str, str]]:
            there = {
                table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
                for table, _, _ in _sql.ADDED
            }
            return [(table, column, kind) for table, column, kind in _sql.ADDED if column not in there[table]]

        if missing():
            connection.execute("BEGIN IMMEDIATE")
            for table, column, kind in missing():
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
            connection.commit()


def _read(url: str) -> tuple[Path, str]:
    parts = urlsplit(url)
    if parts.netloc or not parts.path.strip("/"):
        raise ConfigError(
            f"{url} names no file", rule="sqlite:///relative.db, or sqlite:////absolute.db with four slashes",
            found=f"the host {parts.netloc!r}" if parts.netloc else "no path",
            do="check the slashes",
        )  # fmt: skip
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    synchronous = options.pop("synchronous", "normal")
    if options:
        name = next(iter(options))
        raise ConfigError(
            f"a SQLite log has no option {name!r}{nearest(name, ['synchronous'])}", rule="the option is synchronous",
            found=url, do="remove it from the URL",
        )  # fmt: skip
    if synchronous not in SYNCHRONOUS:
        raise ConfigError(
            f"synchronous is full or normal, not {synchronous!r}", rule="full writes every answer to the disk, normal now and then",
            found=url, do="write synchronous=full or leave it out",
        )  # fmt: skip
    return Path(unquote(parts.path[1:])), synchronous


def _failed(error: Exception, path: Path) -> StudyError:
    code = getattr(error, "sqlite_errorname", "")
    if code == "SQLITE_FULL":
        return StudyError(
            f"the disk is full: the log {path} could not be written", rule="every answer is logged before it is sent",
            found=str(error), do="free some space, or delete old entries: fieldguide log forget",
        )  # fmt: skip
    if isinstance(error, OSError) or code in ("SQLITE_CANTOPEN", "SQLITE_READONLY") or code.startswith("SQLITE_IOERR"):
        return disk_error(error, f"the log {path}", "every answer is logged before it is sent")
    if code == "SQLITE_NOTADB":
        return StudyError(
            f"{path} is no SQLite file",
            rule="a log is a SQLite file of its own",
            found=str(error),
            do="name another file",
        )
    return StudyError(
        f"the log {path} cannot be used",
        rule="a log is open to one server and to any number of readers",
        found=f"{type(error).__name__}: {error}",
        do="check who else holds the file",
    )
