"""Join: event tables to one tidy row per unit, with what was known at its prediction time and what came of it.

Knows the order: tables are scanned, units made, features and outcome computed beside them, immature units left out, one
Parquet file written. How a table is read is `tables`', how a feature is made `features`', what an outcome is
`outcome`'s. DuckDB works within a memory limit and spills into the study's work folder.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fieldguide.core.documents.config import Config
from fieldguide.core.documents.join_sections import ENTITY, JOINED, KNOWN_AT, PREDICTION_TIME, JoinSection, duration
from fieldguide.core.errors import ConfigError, DataError, FieldguideError, MissingExtra, StudyError, listed
from fieldguide.core.finding import Finding
from fieldguide.core.language.syntax import read_syntax
from fieldguide.core.record import Record, hashed
from fieldguide.core.result import Result
from fieldguide.steps.checking import checked
from fieldguide.steps.join import features as feature_queries
from fieldguide.steps.join import outcome as outcome_queries
from fieldguide.steps.join.features import DAY, Feature, columns_of
from fieldguide.steps.join.sql import condition, literal, name
from fieldguide.steps.join.tables import CLOCKS, Scanned, Use, has_zone, moment, scan

MEMORY = "1GB"
"""What DuckDB may hold before it spills; the process takes some 300 MB beside it."""
MAX_TIMES = 10_000
"""Prediction times an `every` may make."""
FORM = 2
"""Raised when the same section would make another table or other facts, so that recorded joins are made again."""
EXAMINED = 200_000
"""Events of a table in which repeated rows are looked for."""


@dataclass(frozen=True)
class Opened:
    """A join whose tables are open: each scanned, its entity columns, whether each is compared as whole numbers."""

    join: JoinSection
    target: str
    units: Scanned
    tables: tuple[Scanned, ...]
    outcome: Scanned
    whole: tuple[bool, ...]

    def entity(self, table: Any) -> tuple[str, ...]:
        """Return the entity columns of a section's table."""
        named: tuple[str, ...] | None = table.entity
        return named or self.join.units.entity


def join(config: Config, out: Path, work: Path, threads: int = 1) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Write the joined table and return what was found.

    Args:
        config: a config with a `join` section.
        out: the Parquet file to write.
        work: an empty or missing folder for what spills; removed afterwards.
        threads: threads DuckDB may use.

    Raises:
        MissingExtra: DuckDB is not installed.
        ConfigError, DataError: names or cells do not fit the section; the message names table and column.
    """
    assert config.join is not None
    if len(config.problem.targets) != 1:
        raise ConfigError(
            "a joined table has one target", rule="join.outcome makes one column",
            found=listed(config.problem.targets), do="name one column under problem.target",
        )  # fmt: skip
    try:
        with _connection(work, threads) as con:
            return _joined(con, config.join, config.problem.targets[0], out, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def kept(config: Config, folder: Path, record: Record, threads: int = 1) -> Result:
    """Return the join of a study: as recorded, where section, files and the joined table are unchanged, else made now.

    Raises:
        ConfigError: study.yaml has no section `join`, or names a table of its own beside it.
    """
    out = folder / JOINED
    if config.join is None:
        raise ConfigError(
            "study.yaml has no section join", rule="join makes the study's table of event tables",
            found=f"{folder / 'study.yaml'} without join",
            do="describe units, features and outcome under join, or go on with: fieldguide run",
        )  # fmt: skip
    if config.data.table.resolve() != out.resolve():
        raise ConfigError(
            "study.yaml has both data.table and join", rule="the table of a study that joins is the joined one",
            found=str(config.data.table), do="remove data.table, or the section join",
        )  # fmt: skip
    scope = hashed({"join": _stated(config.join), "target": config.problem.targets, "form": FORM})
    before = record.journal.last("done", step="join", scope=scope)
    if before is not None and out.is_file() and file_hash(out) == before["facts"]["hash"]:
        return Result.from_dict(before)
    record.watch({"event": "step", "step": "join"})
    began = time.perf_counter()
    facts, findings = join(config, out, folder / "work" / "join", threads)
    return record.keep(Result("join", facts, findings, time.perf_counter() - began), scope)


def _stated(section: JoinSection) -> dict[str, Any]:
    """Return a section as plain data with the hash of each file's content in place of its path."""
    data = section.model_dump(mode="json")
    tables = (data["units"], *data["features"], data["outcome"])
    hashes = {path: file_hash(Path(path)) for path in {table["table"] for table in tables}}
    for table in tables:
        table["table"] = hashes[table["table"]]
    return data


def file_hash(path: Path) -> str:
    """Return the hash of a file's bytes. Raises DataError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read", rule="a join reads its files from start to end", found=error.strerror or str(error),
            do="check the paths under join; they are relative to study.yaml",
        ) from None  # fmt: skip


@contextmanager
def _connection(work: Path, threads: int) -> Iterator[Any]:
    try:
        import duckdb
    except ImportError:
        raise MissingExtra("duckdb", "sql", "fieldguide join") from None
    work.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "memory_limit": MEMORY, "temp_directory": str(work / "spill"), "threads": threads,
        "autoinstall_known_extensions": False, "autoload_known_extensions": False,
    }  # fmt: skip
    con = duckdb.connect(config=settings)
    try:
        yield con
    except FieldguideError:
        raise
    except duckdb.OutOfMemoryException as error:
        raise StudyError(
            "the join needs more memory or disk than there is", rule=f"DuckDB holds {MEMORY} and spills to disk",
            found=str(error).splitlines()[0][:200], do=f"free space beside {work}, or make fewer features at once",
        ) from error  # fmt: skip
    except duckdb.Error as error:
        raise DataError(
            "the tables cannot be joined", rule="cells can be read as what their columns hold",
            found=str(error).splitlines()[0][:200], do="check the column it names, or report it as a mistake of fieldguide",
        ) from error  # fmt: skip
    finally:
        con.close()


def _joined(
    con: Any, section: JoinSection, target: str, out: Path, work: Path
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    opened = _opened(section, target, work)
    made = _units(con, opened)
    tables = []
    for table, scanned in zip(section.features, opened.tables):
        tables.append(feature_queries.planned(table, partial(feature_queries.levels_of, con, scanned, table.where)))
    names = [*section.units.entity, *section.units.keep, target, PREDICTION_TIME, KNOWN_AT]
    feature_queries.check_columns(tables, [*names, *([ENTITY] if len(section.units.entity) > 1 else [])])
    facts_of = []
    for index, (table, scanned, features) in enumerate(zip(section.features, opened.tables, tables)):
        counted = _counted(con, opened, scanned, opened.entity(table), table, f"join.features[{index}]")
        counted |= feature_queries.make(
            con, f"g{index}", scanned, table, opened.entity(table), opened.whole, features, section
        )
        facts_of.append(counted)
    outcome = section.outcome
    entity = opened.entity(outcome)
    if outcome.time is None:
        delays = outcome_queries.fixed(con, opened.outcome, outcome, entity, opened.whole)
    else:
        _meets_units(con, opened, entity)
        delays = outcome_queries.happening(con, opened.outcome, outcome, entity, opened.whole, section)
    n = _left_out(con, opened, delays)
    for index, features in enumerate(tables):
        facts_of[index] |= _coverage(con, index, features, facts_of[index])
    _write(con, opened, tables, delays, out)
    facts = {
        "sentence": _sentence(n, tables, delays), **n, **made, "delay": delays["curve"], "reporting": delays["reporting"],
        "until": delays["until"], "wait": delays["wait"], "horizon": delays.get("horizon"), "clock": section.clock,
        "same_time": section.same_time, "known_only": section.known_only, "tables": facts_of, "target": target, "hash": file_hash(out),
    }  # fmt: skip
    return facts, checked("join", joined=facts)


# --- opening ---------------------------------------------------------------------------------------------------------


def _opened(section: JoinSection, target: str, work: Path) -> Opened:
    units, clock = section.units, section.clock
    uses: dict[str, Use] = dict.fromkeys(units.keep, "value")
    if units.where is not None:
        uses |= dict.fromkeys(read_syntax(units.where).columns, "value")
    uses |= dict.fromkeys(units.entity, "entity")
    if units.time is not None:
        uses[units.time] = "time"
    asked = [("join.units", units.table, uses)]
    for index, table in enumerate(section.features):
        entity = table.entity or units.entity
        asked.append((f"join.features[{index}]", table.table, feature_queries.uses_of(table, entity)))
    outcome = section.outcome
    asked.append(("join.outcome", outcome.table, outcome_queries.uses_of(outcome, outcome.entity or units.entity)))
    scans = [scan(label, path, used, clock, work / f"t{i}") for i, (label, path, used) in enumerate(asked)]
    entities = [units.entity, *(t.entity or units.entity for t in section.features), outcome.entity or units.entity]
    for (label, _, _), columns in zip(asked, entities):
        if len(columns) != len(units.entity):
            raise ConfigError(
                f"{label}.entity names {len(columns)} columns", rule="every table names an entity by as many columns as units",
                found=f"join.units.entity names {len(units.entity)}: {listed(units.entity)}",
                do=f"write {label}.entity with {len(units.entity)}",
            )  # fmt: skip
    _refuse_zones(scans, section)
    return Opened(section, target, scans[0], tuple(scans[1:-1]), scans[-1], _whole(scans, entities))


def _whole(scans: Sequence[Scanned], entities: Sequence[Sequence[str]]) -> tuple[bool, ...]:
    """Return for each entity column whether it is compared as a whole number.

    Raises:
        DataError: some tables hold whole numbers and some hold text.
    """
    found = []
    for place in range(len(entities[0])):
        kinds = [scanned.spelled[columns[place]] for scanned, columns in zip(scans, entities)]
        if "whole" in kinds and "text" in kinds:
            number, text = kinds.index("whole"), kinds.index("text")
            shown = [
                f"{entities[i][place]!r} of {scans[i].label} holds {what} such as {listed(scans[i].examples[entities[i][place]])}"
                for i, what in ((number, "whole numbers"), (text, "text"))
            ]
            raise DataError(
                "entities of two tables cannot be compared", rule="an entity is a whole number in every table, or text in every table",
                found="; ".join(shown), do="write both alike; text such as 007 is not the number 7",
            )  # fmt: skip
        found.append("text" not in kinds)
    return tuple(found)


def _refuse_zones(scans: Sequence[Scanned], section: JoinSection) -> None:
    zoned = [(f"{c!r} of {s.label}", z) for s in scans for c, z in s.zoned.items()]
    stated = [("join.units.at", text) for text in section.units.at or ()]
    stated += [("join.units.start", section.units.start or ""), ("join.units.stop", section.units.stop or "")]
    stated += [("join.outcome.until", section.outcome.until or "")]
    # a stated date without a zone is read in the tables' own: UTC where they have one
    zoned += [(place, True) for place, text in stated if text and has_zone(text)]
    with_, without = [c for c, z in zoned if z], [c for c, z in zoned if not z]
    if with_ and without:
        raise DataError(
            "some times have a time zone and some have none", rule="times are compared only when all have a time zone, or none has",
            found=f"with: {listed(with_)}; without: {listed(without)}",
            do="write all times with their zone, or all in one zone without it",
        )  # fmt: skip


# --- units -----------------------------------------------------------------------------------------------------------


def _units(con: Any, opened: Opened) -> dict[str, Any]:
    """Make the temporary table `units`: uid (in order of entity and time), k0 …, t, the kept columns as c0 …"""
    units, clock, scanned = opened.join.units, opened.join.clock, opened.units
    keys = [
        f"{scanned.entity(column, whole)} AS k{i}" for i, (column, whole) in enumerate(zip(units.entity, opened.whole))
    ]
    kept = [f"{scanned.value(column)} AS c{i}" for i, column in enumerate(units.keep)]
    moments = [] if units.time is None else [f"{scanned.time(units.time, clock)} AS t"]
    alive = "" if units.where is None else f" WHERE {condition(units.where, columns_of(scanned))}"
    rows = f"(SELECT {', '.join([*keys, *moments, *kept])} FROM {scanned.sql}{alive})"
    names = [f"k{i}" for i in range(len(keys))]
    cells = [f"c{i}" for i in range(len(kept))]
    needed = [*names, *(["t"] if moments else [])]
    whole_rows = " AND ".join(f"{column} IS NOT NULL" for column in needed)
    n_rows, n_whole = con.execute(f"SELECT count(*), count(*) FILTER (WHERE {whole_rows}) FROM {rows}").fetchone()
    stepped = units.at is not None or units.every is not None
    if stepped:
        _values(con, _times(opened.join))
        since = ", min(t) AS since" if moments else ""
        before = f" WHERE since {'<=' if opened.join.same_time == 'include' else '<'} p.t" if moments else ""
        one = (
            f"SELECT {', '.join([*names, *cells])}{since} FROM {rows} WHERE {whole_rows} "
            f"GROUP BY {', '.join([*names, *cells])}"
        )
        made = f"SELECT {', '.join([*names, 'p.t', *cells])} FROM ({one}) CROSS JOIN moments p{before}"
    else:
        made = f"SELECT DISTINCT {', '.join([*names, 't', *cells])} FROM {rows} WHERE {whole_rows}"
    order = ", ".join([*names, "t"])
    con.execute(
        f"CREATE TEMP TABLE units AS SELECT row_number() OVER (ORDER BY {order}) AS uid, * FROM ({made}) ORDER BY uid"
    )
    (n,) = con.execute("SELECT count(*) FROM units").fetchone()
    if not n:
        raise DataError(
            f"{scanned.label} makes no unit", rule="a unit is an entity with a prediction time",
            found=f"{n_rows:,} rows, {n_whole:,} with entity and time" + (
                "; no entity is known before a prediction time" if stepped and n_whole else ""),
            do="check units.where, time and at",
        )  # fmt: skip
    twice = con.execute(f"SELECT {order}, count(*) FROM units GROUP BY {order} HAVING count(*) > 1 LIMIT 1").fetchone()
    if twice is not None:
        raise DataError(
            f"{scanned.label} has several rows for one unit that differ", rule="a unit has one value of every kept column",
            found=f"{twice[-1]} rows of {', '.join(map(str, twice[: len(names)]))} differ in {listed(units.keep)}",
            do="keep fewer columns, or make them features with as_of",
        )  # fmt: skip
    (n_entities,) = con.execute(f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(names)} FROM units)").fetchone()
    return {"n_entities": n_entities, "n_without_key": n_rows - n_whole}


def _times(section: JoinSection) -> list[int]:
    """Return the stated prediction times [µs], in order."""
    units, clock = section.units, section.clock
    if units.at is not None:
        return sorted({moment(text, clock, "units.at") for text in units.at})
    first, last = (moment(str(t), clock, f"units.{w}") for t, w in ((units.start, "start"), (units.stop, "stop")))
    found = range(first, last + 1, duration(str(units.every)))
    if not 1 <= len(found) <= MAX_TIMES:
        raise ConfigError(
            f"join.units makes {len(found):,} prediction times", rule=f"from start to stop there are 1 to {MAX_TIMES:,}",
            found=f"every {units.every} from {units.start} to {units.stop}",
            do="correct join.units.start, stop or every",
        )  # fmt: skip
    return list(found)


def _values(con: Any, times: Sequence[int]) -> None:
    con.execute(f"CREATE TEMP TABLE moments AS SELECT unnest([{', '.join(f'{t}::BIGINT' for t in times)}]) AS t")


# --- counting --------------------------------------------------------------------------------------------------------


def _counted(
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


def _meets_units(con: Any, opened: Opened, entity: Sequence[str]) -> None:
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


def _left_out(con: Any, opened: Opened, delays: dict[str, Any]) -> dict[str, int]:
    """Count units and those left out. Raises DataError where none is left."""
    n, mature, kept = con.execute(
        "SELECT count(*), count(*) FILTER (WHERE mature), count(*) FILTER (WHERE mature AND y IS NOT NULL) FROM outcome"
    ).fetchone()
    if not kept:
        raise DataError(
            "no unit has an outcome yet" if not mature else "no unit has an outcome",
            rule="a row is a unit whose horizon, and the wait for late outcomes, lie before the end of the outcomes' record",
            found=f"{n:,} units, {n - mature:,} of them immature, {mature - kept:,} without an outcome",
            do="predict from earlier, shorten outcome.horizon, or say with outcome.until how far outcomes are recorded",
        )
    return {"n_units": kept, "n_immature": n - mature, "n_without_outcome": mature - kept, "n_asked": n}


def _coverage(con: Any, index: int, features: Sequence[Feature], counted: dict[str, Any]) -> dict[str, Any]:
    """Return for the units that are kept: those with an event, those whose window begins before the events do, and coverage."""
    windows = sorted({f.window for f in features if f.window is not None})
    cut = [f"count(*) FILTER (WHERE u.t - {window} < {counted['first']})" for window in windows]
    given = [f"count(g.f{i})" for i in range(len(features))]
    found = con.execute(
        f"SELECT count(*), count(*) FILTER (WHERE g.n > 0), {', '.join([*cut, *given])} FROM units u "
        f"JOIN outcome o USING (uid) JOIN g{index} g USING (uid) WHERE o.mature AND o.y IS NOT NULL"
    ).fetchone()
    n, n_with, rest = found[0], found[1], list(found[2:])
    cuts, covered = dict(zip(windows, rest[: len(windows)])), rest[len(windows) :]
    return {
        "n_units": n, "n_with_events": n_with,
        "features": [
            {**f.to_dict(), "coverage": c / n, "cut": cuts[f.window] / n if f.window is not None else 0.0}
            for f, c in zip(features, covered)
        ],
    }  # fmt: skip


# --- writing ---------------------------------------------------------------------------------------------------------


def _write(con: Any, opened: Opened, tables: Sequence[Sequence[Feature]], delays: dict[str, Any], out: Path) -> None:
    """Write the joined table in order of entity and time; nothing half-written is left at `out`."""
    units = opened.join.units
    columns = [f"u.k{i} AS {name(column)}" for i, column in enumerate(units.entity)]
    if len(units.entity) > 1:
        joined = " || '|' || ".join(f"u.k{i}::VARCHAR" for i in range(len(units.entity)))
        columns.insert(0, f"{joined} AS {name(ENTITY)}")
    if opened.join.clock == "date":
        columns.append(f"make_timestamp(u.t) AS {name(PREDICTION_TIME)}")
    elif not opened.join.single_time:
        columns.append(f"u.t / {CLOCKS[opened.join.clock] * 1e6!r}::DOUBLE AS {name(PREDICTION_TIME)}")
    columns += [f"u.c{i} AS {name(column)}" for i, column in enumerate(units.keep)]
    sides = "JOIN outcome o USING (uid)"
    for index, features in enumerate(tables):
        columns += [feature_queries.quoted(feature, f"g{index}", i) for i, feature in enumerate(features)]
        sides += f" JOIN g{index} USING (uid)"
    if opened.join.clock == "date" and delays["until"] is not None:
        after = round(sum(delays[part] for part in ("offset", "horizon", "wait")) * DAY)
        columns.append(f"make_timestamp(u.t + {after}) AS {name(KNOWN_AT)}")
    columns.append(f"o.y AS {name(opened.target)}")
    part = out.with_name(out.name + ".part")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        con.execute(
            f"COPY (SELECT {', '.join(columns)} FROM units u {sides} WHERE o.mature AND o.y IS NOT NULL ORDER BY u.uid) "
            f"TO {literal(str(part))} (FORMAT parquet, COMPRESSION zstd)"
        )
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _sentence(n: dict[str, int], tables: Sequence[Sequence[Feature]], delays: dict[str, Any]) -> str:
    n_features = sum(map(len, tables))
    said = f"{n['n_units']:,} units with {n_features:,} features"
    gone = [f"{n['n_immature']:,} immature"] if n["n_immature"] else []
    gone += [f"{n['n_without_outcome']:,} without an outcome"] if n["n_without_outcome"] else []
    return said + (f"; left out: {' and '.join(gone)}" if gone else "")
