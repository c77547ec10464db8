"""Counting: a table's events beside the units, so that what a join cannot use is told.

Knows rows without key or time, of no unit, after the last prediction time, known late, repeated; what to think of them is the checks'.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldguide.core.documents.join_sections import duration
from fieldguide.core.errors import DataError, listed
from fieldguide.steps.join import features as feature_queries
from fieldguide.steps.join.opening import Opened
from fieldguide.steps.join.tables import Scanned

EXAMINED = 200_000
"""Events of a table in which repeated rows are looked for."""


def counted_beside(
    con: Any, opened: Opened, scanned: Scanned, entity: Sequence[str], table: Any, place: str
) -> dict[str, Any]:
    """Count a table's events beside the units: in all, without key or time, of no unit, after, known late, repeated.

    Raises:
        DataError: the table has no row with entity and time, or none of its entities is a unit's.
    """
    section = opened.join
    inner = feature_queries.events(
        scanned,
        entity,
        opened.whole,
        section,
        time=table.time,
        known=table.known_at,
        lag=_lag(table),
        where=table.where,
    )
    known = "e.known > e.time" if table.known_at is not None or _lag(table) else "false"
    keys = [f"k{i}" for i in range(len(entity))]
    whole = " AND ".join(f"e.{column} IS NOT NULL" for column in [*keys, "time"])
    on = " AND ".join(f"e.{k} = u.{k}" for k in keys)
    later = ">" if section.same_time == "include" else ">="
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE last_times AS SELECT {', '.join(keys)}, max(t) AS t, min(t) AS first FROM units "
        f"GROUP BY {', '.join(keys)}"
    )
    found = con.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {whole}), count(u.t), count(*) FILTER (WHERE e.time {later} u.t), "
        f"count(*) FILTER (WHERE e.time = u.t), count(*) FILTER (WHERE {known}), min(e.time), max(e.time) "
        f"FROM {inner} e LEFT JOIN last_times u ON {on}"
    ).fetchone()
    names = ("n_rows", "n_whole", "n_of_units", "n_after", "n_at", "n_known_later", "first", "last")
    counted = dict(zip(names, found, strict=True))
    if not counted["n_whole"] or not counted["n_of_units"]:
        raise _no_events(con, scanned, entity, table, place, counted["n_rows"], counted["n_whole"])
    repeated = _repeated(con, scanned, entity, opened, table)
    return {"table": scanned.label, "name": place, "n_broken": dict(scanned.n_broken), **counted, **repeated}


def meets_units(con: Any, opened: Opened, entity: Sequence[str]) -> None:
    """Refuse an outcome table without a usable row, or without any entity of units. Raises DataError."""
    section, scanned = opened.join, opened.outcome
    inner = feature_queries.events(
        scanned, entity, opened.whole, section, time=str(section.outcome.time), known=None, where=section.outcome.where
    )
    keys = [f"k{i}" for i in range(len(entity))]
    whole = " AND ".join(f"e.{column} IS NOT NULL" for column in [*keys, "time"])
    on = " AND ".join(f"e.{k} = u.{k}" for k in keys)
    if con.execute(f"SELECT 1 FROM {inner} e SEMI JOIN units u ON {on} WHERE {whole} LIMIT 1").fetchone() is None:
        n_rows, n_whole = con.execute(f"SELECT count(*), count(*) FILTER (WHERE {whole}) FROM {inner} e").fetchone()
        raise _no_events(con, scanned, entity, section.outcome, "join.outcome", n_rows, n_whole)


def _no_events(
    con: Any, scanned: Scanned, entity: Sequence[str], table: Any, place: str, n_rows: int, n_whole: int
) -> DataError:
    """Return the error of a table whose rows are about no unit."""
    if not n_whole:
        return DataError(
            f"{scanned.label} has no usable row", rule="an event has an entity and a time",
            found=f"{n_rows:,} rows" + ("" if table.where is None else f" for which {table.where} holds"),
            do=f"check {place}",
        )  # fmt: skip
    keys = ", ".join(f"k{i}" for i in range(len(entity)))
    ours = con.execute(f"SELECT DISTINCT {keys} FROM units ORDER BY ALL LIMIT 3").fetchall()
    return DataError(
        f"no entity of {scanned.label} is an entity of units", rule="tables are joined by equal entities",
        found=f"it holds {listed(scanned.examples[entity[0]])}; units hold {listed(', '.join(map(str, row)) for row in ours)}",
        do=f"check the entity columns of units and {place}",
    )  # fmt: skip


def _repeated(con: Any, scanned: Scanned, entity: Sequence[str], opened: Opened, table: Any) -> dict[str, int]:
    """Count rows that repeat another row, and rows that differ from another of the same entity and time, in whole entities.

    Beyond `EXAMINED` rows the entities are a sample, drawn by their hash.
    """
    values = sorted({c for c in scanned.kinds if c in _values_of(table)})
    alias = {column: f"v{i}" for i, column in enumerate(values)}
    inner = feature_queries.events(
        scanned, entity, opened.whole, opened.join, time=table.time, known=None, where=table.where, values=alias
    )
    (n,) = con.execute(f"SELECT count(*) FROM {scanned.sql}").fetchone()
    keys = ", ".join(f"k{i}" for i in range(len(entity)))
    step = -(-n // EXAMINED)
    by = [f for f in getattr(table, "columns", {}).values() if f.by is not None]
    moment_of = ", ".join([keys, "time", *dict.fromkeys(alias[f.by] for f in by)])
    cells = ", ".join(dict.fromkeys([*moment_of.split(", "), *alias.values()]))
    sampled = "" if step == 1 else f" WHERE hash({keys}) % {step} = 0"
    found = con.execute(
        f"SELECT coalesce(sum(rows), 0), coalesce(sum(rows - forms), 0), coalesce(sum(forms - 1), 0) FROM ("
        f"SELECT sum(m) AS rows, count(*) AS forms FROM (SELECT {cells}, count(*) AS m FROM {inner}{sampled} GROUP BY {cells}) "
        f"GROUP BY {moment_of})"
    ).fetchone()
    return dict(zip(("n_examined", "n_repeated", "n_conflicting"), map(int, found)))


def _values_of(table: Any) -> set[str]:
    columns = getattr(table, "columns", {})
    named = {f.column for f in columns.values()} | {f.by for f in columns.values()} | set(getattr(table, "as_of", ()))
    return {c for c in named | {getattr(table, "column", None)} if c is not None}


def _lag(table: Any) -> int:
    lag = getattr(table, "lag", "0d")
    return 0 if lag == "0d" else duration(lag)
