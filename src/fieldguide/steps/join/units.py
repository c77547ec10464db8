"""Units: who is asked about, and at which moments, as the temporary table `units` of a join.

Knows entities and prediction times; what is known of a unit then is `features`', what came of it `outcome`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldguide.core.documents.join_sections import JoinSection, duration
from fieldguide.core.errors import ConfigError, DataError, listed
from fieldguide.steps.join.features import columns_of
from fieldguide.steps.join.opening import Opened
from fieldguide.steps.join.sql import condition
from fieldguide.steps.join.tables import moment

MAX_TIMES = 10_000
"""Prediction times an `every` may make."""


def make_units(con: Any, opened: Opened) -> dict[str, Any]:
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
