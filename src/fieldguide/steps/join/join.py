"""Join: event tables to one tidy row per unit, with what was known at its prediction time and what came of it.

Knows the order: tables are opened, units made, features and outcome computed beside them, immature units left out, one
Parquet file written. How tables are opened is `opening`'s, how one is read `tables`', who is asked about `units`', what is counted
`counting`'s, how a feature is made `features`', what an outcome is `outcome`'s. DuckDB works within a memory limit and spills into the study's work folder.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fieldguide.core.documents.config import Config
from fieldguide.core.documents.join_sections import ENTITY, JOINED, KNOWN_AT, PREDICTION_TIME, JoinSection
from fieldguide.core.errors import ConfigError, DataError, FieldguideError, MissingExtra, StudyError, listed
from fieldguide.core.finding import Finding
from fieldguide.core.record import Record, hashed
from fieldguide.core.result import Result
from fieldguide.steps.checking import checked
from fieldguide.steps.join import features as feature_queries
from fieldguide.steps.join import outcome as outcome_queries
from fieldguide.steps.join.counting import counted_beside, meets_units
from fieldguide.steps.join.features import DAY, Feature
from fieldguide.steps.join.opening import Opened, opened_of
from fieldguide.steps.join.sql import literal, name
from fieldguide.steps.join.tables import CLOCKS
from fieldguide.steps.join.units import make_units

MEMORY = "1GB"
"""What DuckDB may hold before it spills; the process takes some 300 MB beside it."""
FORM = 2
"""Raised when the same section would make another table or other facts, so that recorded joins are made again."""


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
    opened = opened_of(section, target, work)
    made = make_units(con, opened)
    tables = []
    for table, scanned in zip(section.features, opened.tables):
        tables.append(feature_queries.planned(table, partial(feature_queries.levels_of, con, scanned, table.where)))
    names = [*section.units.entity, *section.units.keep, target, PREDICTION_TIME, KNOWN_AT]
    feature_queries.check_columns(tables, [*names, *([ENTITY] if len(section.units.entity) > 1 else [])])
    facts_of = []
    for index, (table, scanned, features) in enumerate(zip(section.features, opened.tables, tables)):
        counted = counted_beside(con, opened, scanned, opened.entity(table), table, f"join.features[{index}]")
        counted |= feature_queries.make(
            con, f"g{index}", scanned, table, opened.entity(table), opened.whole, features, section
        )
        facts_of.append(counted)
    outcome = section.outcome
    entity = opened.entity(outcome)
    if outcome.time is None:
        delays = outcome_queries.fixed(con, opened.outcome, outcome, entity, opened.whole)
    else:
        meets_units(con, opened, entity)
        delays = outcome_queries.happening(con, opened.outcome, outcome, entity, opened.whole, section)
    n = _left_out(con)
    for index, features in enumerate(tables):
        facts_of[index] |= _coverage(con, index, features, facts_of[index])
    _write(con, opened, tables, delays, out)
    facts = {
        "sentence": _sentence(n, tables), **n, **made, "delay": delays["curve"], "reporting": delays["reporting"],
        "until": delays["until"], "wait": delays["wait"], "horizon": delays.get("horizon"), "clock": section.clock,
        "same_time": section.same_time, "known_only": section.known_only, "tables": facts_of, "target": target, "hash": file_hash(out),
    }  # fmt: skip
    return facts, checked("join", joined=facts)


def _left_out(con: Any) -> dict[str, int]:
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


def _sentence(n: dict[str, int], tables: Sequence[Sequence[Feature]]) -> str:
    n_features = sum(map(len, tables))
    said = f"{n['n_units']:,} units with {n_features:,} features"
    gone = [f"{n['n_immature']:,} immature"] if n["n_immature"] else []
    gone += [f"{n['n_without_outcome']:,} without an outcome"] if n["n_without_outcome"] else []
    return said + (f"; left out: {' and '.join(gone)}" if gone else "")
