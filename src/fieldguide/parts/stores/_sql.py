"""A log in any SQL database: the tables, what is written into them and what is read back.

Knows SQL that SQLite and PostgreSQL share; how one connects, what a transaction is and which errors there are is each
store's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from fieldguide.core.online.log import (
    ASSIGNMENTS,
    CORRECTIONS,
    EVERYTHING,
    OUTCOMES,
    PREDICTIONS,
    REFUSALS,
    Assignment,
    Batch,
    Entry,
    Logged,
    Media,
    Outcome,
    Prediction,
    Query,
    Refusal,
    Served,
    micros,
    now,
    served,
)
from fieldguide.core.online.log_cells import Text, opened_blob
from fieldguide.core.online.log_media import media_columns, put_together, references, uri_of
from fieldguide.core.online.outcome_identity import coded, identity
from fieldguide.core.table import Column

FORMAT = 1
CHUNK = 20_000
"""Rows read or deleted at a time."""
ASKED = 500
"""Outcomes that are asked for by name at a time."""
WITH_MEDIA = 200
"""Rows with images or sounds read at a time."""
BATCHES = 50
"""Batches deleted at a time: each may be many megabytes."""

TABLES = {
    "log_format": "format INTEGER NOT NULL",
    "served": "model TEXT PRIMARY KEY, contract TEXT NOT NULL, columns TEXT NOT NULL, outputs TEXT NOT NULL, arm TEXT NOT NULL, time {integer} NOT NULL",
    "predictions": "seq {serial}, id TEXT NOT NULL, request TEXT NOT NULL, unit TEXT, time {integer} NOT NULL, arm TEXT NOT NULL, "
    "model TEXT NOT NULL, contract TEXT NOT NULL, experiment TEXT NOT NULL, propensity {real}, prediction TEXT NOT NULL, "
    "score {real}, outputs TEXT NOT NULL, seconds {real} NOT NULL, cells TEXT NOT NULL, decision TEXT, rule TEXT, rules TEXT, "
    "series TEXT, origin {integer}",
    "batches": "seq {serial}, request TEXT NOT NULL, time {integer} NOT NULL, arm TEXT NOT NULL, model TEXT NOT NULL, "
    "contract TEXT NOT NULL, experiment TEXT NOT NULL, propensity {real}, seconds {real} NOT NULL, n_rows {integer} NOT NULL, "
    "blob {blob} NOT NULL",
    "refusals": "seq {serial}, request TEXT NOT NULL, time {integer} NOT NULL, arm TEXT NOT NULL, model TEXT NOT NULL, row_number {integer}, "
    "column_name TEXT, rule TEXT NOT NULL, value TEXT NOT NULL",
    "outcomes": "seq {serial}, id TEXT, unit TEXT, name TEXT NOT NULL, time {integer} NOT NULL, recorded {integer} NOT NULL, "
    "number {real}, label TEXT, about TEXT, token TEXT, series TEXT",
    "media": "hash TEXT PRIMARY KEY, head TEXT NOT NULL, time {integer} NOT NULL, content {blob} NOT NULL",
    "assignments": "experiment TEXT NOT NULL, unit TEXT NOT NULL, arm TEXT NOT NULL, time {integer} NOT NULL, "
    "propensity {real} NOT NULL, PRIMARY KEY (experiment, unit)",
}
ADDED = (
    ("outcomes", "about", "TEXT"), ("outcomes", "token", "TEXT"), ("predictions", "decision", "TEXT"), ("predictions", "rule", "TEXT"),
    ("predictions", "rules", "TEXT"), ("predictions", "series", "TEXT"), ("predictions", "origin", "BIGINT"), ("outcomes", "series", "TEXT"),
)  # fmt: skip
"""Columns that logs of earlier versions lack; what is in them stays as it is."""
INDEXES = (
    *(f"CREATE INDEX IF NOT EXISTS {table}_time ON {table} (time)" for table in ("predictions", "batches", "refusals", "outcomes", "media")),
    "CREATE INDEX IF NOT EXISTS outcomes_about ON outcomes (about) WHERE about IS NOT NULL",
    "CREATE UNIQUE INDEX IF NOT EXISTS outcomes_token ON outcomes (token) WHERE token IS NOT NULL",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1)
_PREDICTION = ", ".join(PREDICTIONS)
_BATCH = "request, time, arm, model, contract, experiment, propensity, seconds, n_rows"


def tables(types: Mapping[str, str]) -> list[str]:
    """Return the statements that make the tables where they are missing."""
    return [f"CREATE TABLE IF NOT EXISTS {name} ({columns.format(**types)})" for name, columns in TABLES.items()]


def inserts(entries: Sequence[Entry], mark: str) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Return statements and their rows, table by table, in the order in which they are to be executed.

    Args:
        mark: how the database writes a parameter: `?` or `%s`.
    """
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for entry in entries:
        table, values = _CODED[type(entry)](entry)
        rows.setdefault(table, []).append(values)
    return [(_statement(table, len(values[0]), mark), values) for table, values in rows.items()]


def _statement(table: str, width: int, mark: str) -> str:
    columns = {
        "predictions": f"{_PREDICTION}, cells", "batches": f"{_BATCH}, blob",
        "refusals": "request, time, arm, model, row_number, column_name, rule, value",
        "outcomes": ", ".join((*OUTCOMES, "about", "token")), "assignments": ", ".join(ASSIGNMENTS),
        "served": "model, contract, columns, outputs, arm, time", "media": "hash, head, time, content",
    }[table]  # fmt: skip
    first_stands = " ON CONFLICT DO NOTHING" if table in ("assignments", "served", "outcomes") else ""
    if table == "media":  # what is sent again is as old as its last sending
        first_stands = " ON CONFLICT (hash) DO UPDATE SET time = excluded.time WHERE excluded.time > media.time"
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join([mark] * width)}){first_stands}"


def forgotten(
    before: datetime, mark: str, delete: Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
) -> dict[str, int]:
    """Delete what is older than a time, some rows in a transaction, so that a server that logs beside waits for none of them long.

    Args:
        delete: executes a statement in a transaction of its own and returns its rows.

    Returns:
        rows gone by kind; rows of batches count as predictions.
    """
    gone: dict[str, int] = {}
    for table, kind, rows, most in (
        ("predictions", "predictions", "1", CHUNK), ("batches", "predictions", "n_rows", BATCHES),
        ("refusals", "refusals", "1", CHUNK), ("outcomes", "outcomes", "1", CHUNK),
    ):  # fmt: skip
        oldest = f"SELECT seq FROM {table} WHERE time < {mark} ORDER BY time LIMIT {most}"
        gone.setdefault(kind, 0)
        while found := delete(f"DELETE FROM {table} WHERE seq IN ({oldest}) RETURNING {rows}", (micros(before),)):
            gone[kind] += sum(row[0] for row in found)
    old = f"SELECT hash FROM media WHERE time < {mark} ORDER BY time LIMIT {BATCHES}"
    while found := delete(f"DELETE FROM media WHERE hash IN ({old}) RETURNING 1", (micros(before),)):
        gone["media"] = gone.get("media", 0) + len(found)
    return gone


def text(value: Any) -> str:
    """Return a text that every database takes: no lone surrogates, no NUL.

    Examples:
        >>> text("a" + chr(0) + chr(0xD800)) == "a" + chr(0xFFFD) + "?"
        True
    """
    word = str(value)
    if not word.isascii():
        word = word.encode("utf-8", "replace").decode()
    return word.replace("\0", "\ufffd") if "\0" in word else word


def _maybe(value: Any) -> str | None:
    return None if value is None else text(value)


def _known(value: float) -> float | None:
    """Return a number; NaN, which SQLite takes for NULL, as None in every database."""
    return None if value != value else float(value)


def _prediction(entry: Prediction) -> tuple[str, tuple[Any, ...]]:
    return "predictions", (
        entry.id, entry.request, _maybe(entry.unit), micros(entry.time), entry.arm, entry.model, entry.contract, entry.experiment,
        entry.propensity, text(entry.prediction), _known(entry.score), Text.of(entry.outputs), entry.seconds, _maybe(entry.decision),
        _maybe(entry.rule), entry.rules, _maybe(entry.series), None if entry.origin is None else micros(entry.origin), Text.of(entry.cells),
    )  # fmt: skip


def _batch(entry: Batch) -> tuple[str, tuple[Any, ...]]:
    return "batches", (
        entry.request, micros(entry.time), entry.arm, entry.model, entry.contract, entry.experiment, entry.propensity, entry.seconds,
        entry.n_rows, entry.rows,
    )  # fmt: skip


def _refusal(entry: Refusal) -> tuple[str, tuple[Any, ...]]:
    return "refusals", (
        entry.request, micros(entry.time), entry.arm, entry.model, entry.row, _maybe(entry.column), text(entry.rule), text(entry.value),
    )  # fmt: skip


def _outcome(entry: Outcome) -> tuple[str, tuple[Any, ...]]:
    number, label = coded(entry.value)
    recorded = now() if entry.recorded is None else entry.recorded
    return "outcomes", (
        _maybe(entry.id), _maybe(entry.unit), text(entry.name), micros(entry.time), micros(recorded), number, text(label),
        _maybe(entry.series), *identity(entry),
    )  # fmt: skip


def _assignment(entry: Assignment) -> tuple[str, tuple[Any, ...]]:
    return "assignments", (text(entry.experiment), text(entry.unit), entry.arm, micros(entry.time), entry.propensity)


def _served(entry: Served) -> tuple[str, tuple[Any, ...]]:
    columns = json.dumps([column.to_dict() for column in entry.columns], default=str)
    outputs = json.dumps([dict(output) for output in entry.outputs], default=str)
    return "served", (entry.model, entry.contract, columns, outputs, entry.arm, micros(entry.time))


def _media(entry: Media) -> tuple[str, tuple[Any, ...]]:
    return "media", (entry.hash, entry.head, micros(entry.time), entry.content)


_CODED: dict[type, Callable[[Any], tuple[str, tuple[Any, ...]]]] = {
    Prediction: _prediction, Batch: _batch, Refusal: _refusal, Outcome: _outcome, Assignment: _assignment, Served: _served, Media: _media,
}  # fmt: skip


class Reading:
    """The reading half of a store: everything is a SELECT on a cursor that `_select` yields from.

    A store gives `_select(statement, parameters)`, an iterator over lists of rows, and `mark`.
    """

    mark = "?"

    def _select(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[list[tuple[Any, ...]]]:
        raise NotImplementedError

    def scan(self, query: Query = EVERYTHING) -> Iterator[pl.DataFrame]:
        """Yield answered rows, those of single requests first, then those of batches."""
        where, values = self._where(query, "model", "arm", "experiment")
        for rows in self._select(f"SELECT {_PREDICTION} FROM predictions{where} ORDER BY seq", values):
            yield _records(rows)
        for batch in self._batches(where, values):
            yield opened_blob(batch).records

    def scan_cells(self, model: str, query: Query = EVERYTHING) -> Iterator[Logged]:
        """Yield answered rows of one model with their cells."""
        columns = served(self, model).columns  # type: ignore[arg-type]
        named = [columns[i].name for i in media_columns(columns)]
        query = Query(query.start, query.end, model, query.arm, query.experiment)
        where, values = self._where(query, "model", "arm", "experiment")
        for rows in self._select(f"SELECT {_PREDICTION}, cells FROM predictions{where} ORDER BY seq", values):
            yield from self._whole(
                Logged(_records([row[:-1] for row in rows]), Text(columns).frame([row[-1] for row in rows])), named
            )
        for batch in self._batches(where, values):
            yield from self._whole(opened_blob(batch, columns), named)

    def _whole(self, part: Logged, named: Sequence[str]) -> Iterator[Logged]:
        """Yield rows with their images and sounds, few at a time: memory stays bounded."""
        if not named:
            yield part
            return
        for start in range(0, part.records.height, WITH_MEDIA):
            records, seen = part.records.slice(start, WITH_MEDIA), part.cells.slice(start, WITH_MEDIA)
            yield Logged(records, put_together(seen, named, self.media(references(seen, named))))

    def media(self, hashes: Sequence[str]) -> dict[str, str]:
        """Return images and sounds by their hash, as they were sent."""
        kept: dict[str, str] = {}
        for start in range(0, len(hashes), ASKED):
            part = hashes[start : start + ASKED]
            marks = ", ".join([self.mark] * len(part))
            for rows in self._select(f"SELECT hash, head, content FROM media WHERE hash IN ({marks})", part):
                kept |= {digest: uri_of(head, bytes(content)) for digest, head, content in rows}
        return kept

    def _batches(self, where: str, values: Sequence[Any]) -> Iterator[Batch]:
        for rows in self._select(f"SELECT {_BATCH}, blob FROM batches{where} ORDER BY seq", values):
            for request, time, arm, model, contract, experiment, propensity, seconds, n_rows, blob in rows:
                yield Batch(
                    request, moment(time), arm, model, contract, n_rows, bytes(blob), seconds, experiment, propensity
                )

    def outcomes(self, query: Query = EVERYTHING) -> pl.DataFrame:
        """Return the outcomes that stand, in the order they were recorded."""
        where, values = self._where(query, "name")
        known = [] if query.known is None else [micros(query.known)]
        late = f" AND later.recorded <= {self.mark}" if known else ""
        stands = f"NOT EXISTS (SELECT 1 FROM outcomes later WHERE later.about = o.about AND later.seq > o.seq{late})"
        early = f" AND recorded <= {self.mark}" if known else ""
        where = f"{where} AND {stands}{early}" if where else f" WHERE {stands}{early}"
        statement = f"SELECT {', '.join(OUTCOMES)} FROM outcomes o{where} ORDER BY seq"
        return self._frame(statement, [*values, *known, *known], OUTCOMES)

    def corrections(self, query: Query = EVERYTHING) -> pl.DataFrame:
        """Return outcomes that took the place of an earlier one, with what that was."""
        where, values = self._where(query, "name")
        tests = f" AND {where.removeprefix(' WHERE ')}" if where else ""
        for name in ("time", "name"):
            tests = tests.replace(f" {name} ", f" o.{name} ")
        if query.known is not None:
            tests, values = f"{tests} AND o.recorded <= {self.mark}", [*values, micros(query.known)]
        last = "SELECT MAX(seq) FROM outcomes before WHERE before.about = o.about AND before.seq < o.seq"
        columns = ", ".join(
            [*(f"o.{name}" for name in OUTCOMES), "was.number", "was.label", "was.time", "was.recorded"]
        )
        statement = f"SELECT {columns} FROM outcomes o JOIN outcomes was ON was.seq = ({last}) WHERE o.about IS NOT NULL{tests} ORDER BY o.seq"
        return self._frame(statement, values, CORRECTIONS)

    def held(self, outcomes: Sequence[Outcome]) -> list[str]:
        """Return what the log has of outcomes: "" nothing, "same", or "other"."""
        known = [identity(outcome) for outcome in outcomes]
        abouts = self._among("about", sorted({about for about, _ in known if about is not None}))
        tokens = self._among("token", sorted({token for _, token in known if token is not None}))
        return ["same" if token in tokens else "other" if about in abouts else "" for about, token in known]

    def _among(self, column: str, values: Sequence[str]) -> set[str]:
        there: set[str] = set()
        for start in range(0, len(values), ASKED):
            part = values[start : start + ASKED]
            marks = ", ".join([self.mark] * len(part))
            for rows in self._select(f"SELECT {column} FROM outcomes WHERE {column} IN ({marks})", part):
                there.update(row[0] for row in rows)
        return there

    def assignments(self, query: Query = EVERYTHING) -> pl.DataFrame:
        """Return assignments by time."""
        where, values = self._where(query, "experiment", "arm")
        return self._frame(
            f"SELECT {', '.join(ASSIGNMENTS)} FROM assignments{where} ORDER BY time, unit", values, ASSIGNMENTS
        )

    def refusals(self, query: Query = EVERYTHING) -> pl.DataFrame:
        """Return what was not answered, in order."""
        where, values = self._where(query, "model", "arm")
        names = "request, time, arm, model, row_number, column_name, rule, value"
        return self._frame(f"SELECT {names} FROM refusals{where} ORDER BY seq", values, REFUSALS)

    def served(self) -> tuple[Served, ...]:
        """Return the contracts of all models served, first served first."""
        found = []
        statement = "SELECT model, contract, columns, outputs, arm, time FROM served ORDER BY time, model"
        for rows in self._select(statement):
            for model, contract, columns, outputs, arm, time in rows:
                typed = tuple(map(Column.from_dict, json.loads(columns)))
                found.append(Served(model, contract, typed, tuple(json.loads(outputs)), arm, moment(time)))
        return tuple(found)

    def counts(self, query: Query = EVERYTHING) -> dict[str, int]:
        """Return the number of entries of each kind."""
        found = {}
        for table, names, what in (
            ("predictions", ("model", "arm", "experiment"), "COUNT(*)"), ("outcomes", ("name",), "COUNT(*)"),
            ("assignments", ("experiment", "arm"), "COUNT(*)"), ("refusals", ("model", "arm"), "COUNT(*)"),
            ("batches", ("model", "arm", "experiment"), "COALESCE(SUM(n_rows), 0)"),
        ):  # fmt: skip
            where, values = self._where(query, *names)
            found[table] = int(next(self._select(f"SELECT {what} FROM {table}{where}", values))[0][0])
        found["predictions"] += found.pop("batches")
        return found

    def _where(self, query: Query, *names: str) -> tuple[str, list[Any]]:
        tests, values = [], []
        for test, time in (("time >=", query.start), ("time <", query.end)):
            if time is not None:
                tests.append(f"{test} {self.mark}")
                values.append(micros(time))
        for name in names:
            if getattr(query, name) is not None:
                tests.append(f"{name} = {self.mark}")
                values.append(getattr(query, name))
        return (" WHERE " + " AND ".join(tests) if tests else ""), values

    def _frame(self, statement: str, values: Sequence[Any], schema: Mapping[str, Any]) -> pl.DataFrame:
        frames = [typed(rows, schema) for rows in self._select(statement, values)]
        return pl.concat(frames) if frames else pl.DataFrame(schema=dict(schema))


def moment(time: int) -> datetime:
    """Return microseconds since 1970 as a time, UTC without zone."""
    return _EPOCH + timedelta(microseconds=time)


def typed(rows: Sequence[Sequence[Any]], schema: Mapping[str, Any]) -> pl.DataFrame:
    """Return rows of a database as a frame; times are microseconds in the rows."""
    data = []
    for (name, dtype), values in zip(schema.items(), zip(*rows)):
        physical = pl.Int64 if dtype == pl.Datetime("us") else dtype
        data.append(pl.Series(name, list(values), dtype=physical).cast(dtype))
    return pl.DataFrame(data)


def _records(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Return `PREDICTIONS` rows as a frame; the numbers in `outputs` keep every bit."""
    at = list(PREDICTIONS).index("outputs")
    outputs = json.loads("[" + ",".join(row[at] for row in rows) + "]")
    plain = {name: dtype for name, dtype in PREDICTIONS.items() if name != "outputs"}
    frame = typed([row[:at] + row[at + 1 :] for row in rows], plain)
    return frame.with_columns(pl.Series("outputs", outputs, dtype=PREDICTIONS["outputs"])).select(list(PREDICTIONS))
