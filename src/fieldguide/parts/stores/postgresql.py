"""A log in a PostgreSQL database, for several servers at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from fieldguide.core.errors import ConfigError, MissingExtra, StudyError
from fieldguide.core.online.log import Entry, shown
from fieldguide.parts.stores import _sql

TYPES = {"integer": "BIGINT", "real": "DOUBLE PRECISION", "blob": "BYTEA", "serial": "BIGSERIAL PRIMARY KEY"}
SECONDS = 10
"""A server that does not answer within this time is not there."""
ATTEMPTS = 4
"""How often a transaction is tried that waits for another which waits for it; the database ends one of the two."""
LOCK = 0x6669656C64
"""The advisory lock under which tables are made: several servers may start at once."""


class PostgreSQL(_sql.Reading):
    """A log in a PostgreSQL database: `postgresql://user@host:port/database`, with libpq's options.

    Keep the password out of the URL: libpq reads it from PGPASSWORD or ~/.pgpass. What `append` returned for survives a
    power cut unless the database is set up otherwise (synchronous_commit). A connection that broke is opened again for
    the next transaction; the one it broke in is reported as failed, though it may be there.

    Raises:
        MissingExtra: psycopg is not installed.
        StudyError: the database does not answer, refuses, or holds another format of log.
    """

    name: ClassVar[str] = "postgresql"
    schemes: ClassVar[tuple[str, ...]] = ("postgresql", "postgres")
    mark = "%s"

    def __init__(self, url: str, *, create: bool = True) -> None:
        try:
            import psycopg
        except ImportError:
            raise MissingExtra("psycopg", "postgres", "a log in PostgreSQL") from None
        if not urlsplit(url).path.strip("/"):
            raise ConfigError(
                f"{shown(url)} names no database",
                rule="postgresql://HOST/DATABASE",
                found=f"nothing after the host in {shown(url)}",
                do="add it, such as postgresql://localhost/predictions",
            )
        self.url, self._psycopg, self._lock = url, psycopg, threading.Lock()
        with self._told():
            self._connection = self._connect()
            try:
                self._prepare(create)
            except BaseException:
                self._connection.close()
                raise

    @property
    def durable(self) -> bool:
        with self._told(), self._connect() as connection:
            found = connection.execute("SHOW synchronous_commit").fetchone()
        return found is not None and found[0] != "off"

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries in one transaction."""
        statements = _sql.inserts(entries, self.mark)
        with self._lock, self._told():
            for left in reversed(range(ATTEMPTS)):
                try:
                    with self._opened() as connection, connection.transaction(), connection.cursor() as cursor:
                        for statement, rows in statements:
                            cursor.executemany(statement, rows)
                    return
                except self._psycopg.errors.DeadlockDetected:  # two senders repeat each other in opposite order
                    if not left:
                        raise

    def forget(self, before: datetime) -> dict[str, int]:
        """Delete what is older than `before`; autovacuum gives the space back."""
        return _sql.forgotten(before, self.mark, self._delete)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _select(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[list[tuple[Any, ...]]]:
        """Yield rows from a connection and a server-side cursor of their own: memory stays bounded, and no writer waits."""
        with self._told(), self._connect() as connection, connection.cursor(name="reading") as cursor:
            cursor.itersize = size = 1 if "blob" in statement else _sql.CHUNK  # blobs are large: one at a time
            cursor.execute(statement, parameters)
            while rows := cursor.fetchmany(size):
                yield rows

    def _delete(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._lock, self._told(), self._opened() as connection, connection.transaction():
            found: list[tuple[Any, ...]] = connection.execute(statement, parameters).fetchall()
            return found

    def _connect(self) -> Any:
        return self._psycopg.connect(self.url, connect_timeout=SECONDS)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        if self._connection.closed or self._connection.broken:
            self._connection = self._connect()
        yield self._connection

    def _prepare(self, create: bool) -> None:
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            there = self._connection.execute("SELECT to_regclass('log_format')").fetchone()[0] is not None
            if not there and not create:
                raise StudyError(
                    f"there is no log in {shown(self.url)}",
                    rule="a log is made by fieldguide serve",
                    found="a database without its tables",
                    do="name the log that fieldguide serve wrote, such as postgresql://localhost/predictions",
                )
            added = [
                f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} {kind}" for table, column, kind in _sql.ADDED
            ]
            for statement in (*_sql.tables(TYPES), *added, *_sql.INDEXES):
                self._connection.execute(statement)
            found = self._connection.execute("SELECT format FROM log_format").fetchone()
            if found is None:
                self._connection.execute("INSERT INTO log_format VALUES (%s)", (_sql.FORMAT,))
            elif found[0] != _sql.FORMAT:
                raise StudyError(
                    f"{shown(self.url)} is a log of format {found[0]}",
                    rule=f"this version reads format {_sql.FORMAT}",
                    found=f"format {found[0]}",
                    do="update fieldguide, or name another log",
                )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            # A URL that cannot be read is cited in libpq's message, and its password with it.
            unread = isinstance(error, self._psycopg.ProgrammingError) and not error.sqlstate
            reason = "the URL cannot be read" if unread else str(error)
            raise StudyError(
                f"the log {shown(self.url)} cannot be used", rule="every answer is logged before it is sent",
                found=f"{type(error).__name__}: {reason}".strip().splitlines()[0][:300], do="check that the database server runs and lets you in",
            ) from error  # fmt: skip
