"""The outcome of a join: what came of each unit, when, and whether its time has passed.

Knows horizons, delays and maturity. A unit is mature when its horizon, and the wait for outcomes that are recorded late,
lie before the end of the outcomes' record; one that is not is left out whatever it shows so far, for early outcomes
arrive first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fieldguide.core.documents.join_sections import JoinSection, OutcomeSection, duration
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.language.syntax import read_syntax
from fieldguide.core.statistics.delay import DelayCurve, kaplan_meier
from fieldguide.steps.join.features import DAY, ORDER, columns_of, events
from fieldguide.steps.join.sql import condition
from fieldguide.steps.join.tables import CLOCKS, Scanned, Use, moment

SHOWN = 200
"""Points of a delay curve that are kept for facts and charts."""
CURVE_UNITS = 50_000
"""Units a delay curve is made of at most, and about: whole entities, drawn by their hash."""
CURVE_EVENTS = 1_000_000
"""Outcomes that the delay of their recording is taken from at most."""
ENOUGH_FOLLOWED = 50
"""Fewest outcomes, each seen as long as the longest delay, from which a delay is taken."""


def uses_of(outcome: OutcomeSection, entity: Sequence[str]) -> dict[str, Use]:
    """Return the columns the outcome needs, and what for."""
    uses: dict[str, Use] = {}
    if outcome.where is not None:
        uses |= dict.fromkeys(read_syntax(outcome.where).columns, "value")
    if outcome.column is not None:
        uses[outcome.column] = "number" if outcome.aggregate in ("sum", "mean", "min", "max") else "value"
    for column, use in (*((e, "entity") for e in entity), (outcome.time, "time"), (outcome.known_at, "time")):
        if column is not None:
            uses[column] = use  # type: ignore[assignment]
    return uses


def fixed(
    con: Any, scanned: Scanned, outcome: OutcomeSection, entity: Sequence[str], whole: Sequence[bool]
) -> dict[str, Any]:
    """Make the temporary table `outcome` (uid, y, mature) of a column with one row an entity.

    Raises:
        DataError: two rows of one entity differ.
    """
    keys = ", ".join(f"{scanned.entity(c, w)} AS k{i}" for i, (c, w) in enumerate(zip(entity, whole)))
    on = " AND ".join(f"o.k{i} = u.k{i}" for i in range(len(entity)))
    names = ", ".join(f"k{i}" for i in range(len(entity)))
    alive = "" if outcome.where is None else f" WHERE {condition(outcome.where, columns_of(scanned))}"
    column = str(outcome.column)
    con.execute(
        f"CREATE TEMP TABLE fixed AS SELECT {names}, any_value(y) AS y, count(DISTINCT y) AS n FROM "
        f"(SELECT {keys}, {scanned.value(column)} AS y FROM {scanned.sql}{alive}) GROUP BY {names}"
    )
    clash = con.execute(f"SELECT {names} FROM fixed WHERE n > 1 ORDER BY {names} LIMIT 1").fetchone()
    if clash is not None:
        (n,) = con.execute("SELECT count(*) FROM fixed WHERE n > 1").fetchone()
        raise DataError(
            f"{scanned.label} gives two different outcomes for one entity",
            rule="a fixed outcome (one without outcome.time) has one value an entity",
            found=f"{n:,} entities have several values of {column!r}, such as {', '.join(map(str, clash))}",
            do="give outcome.time and horizon, or keep one row an entity",
        )
    con.execute(
        f"CREATE TEMP TABLE outcome AS SELECT u.uid, o.y, true AS mature FROM units u LEFT JOIN fixed o ON {on}"
    )
    return {"until": None, "wait": 0.0, "curve": None, "reporting": None}


def happening(
    con: Any, scanned: Scanned, outcome: OutcomeSection, entity: Sequence[str], whole: Sequence[bool], join: JoinSection
) -> dict[str, Any]:
    """Make the temporary table `outcome` (uid, y, mature) of events after the prediction time; return what is known of delays.

    An outcome counts when it happened in (t + offset, t + offset + horizon] and is on record.
    """
    assert outcome.time is not None and outcome.horizon is not None
    unit = DAY if join.clock == "date" else CLOCKS[join.clock] * 1e6
    until = _until(con, scanned, outcome, join)
    wait, reporting = _wait(con, scanned, outcome, join, until, unit)
    offset = 0 if outcome.offset == "0d" else duration(outcome.offset)
    horizon = duration(outcome.horizon)
    first, last = con.execute("SELECT min(t), max(t) FROM units").fetchone()
    after = f"> {first + offset}"
    inner = events(
        scanned, entity, whole, join, time=outcome.time, known=outcome.known_at, where=outcome.where,
        values={} if outcome.column is None else {outcome.column: "v"}, ordered=outcome.aggregate in ("first", "last"),
        times=[after, f"<= {min(last + offset + horizon, until)}"],
    )  # fmt: skip
    on = " AND ".join(f"e.k{i} = u.k{i}" for i in range(len(entity)))
    known = "" if outcome.known_at is None else " AND e.known IS NOT NULL"
    con.execute(
        f"CREATE TEMP TABLE happened AS SELECT u.uid, {_label(outcome)} AS y FROM {inner} e JOIN units u ON {on} "
        f"WHERE e.time > u.t + {offset} AND e.time <= u.t + {offset + horizon}{known} GROUP BY u.uid"
    )
    zero = "coalesce(h.y, 0)" if outcome.aggregate in ("any", "count", "sum") else "h.y"
    con.execute(
        f"CREATE TEMP TABLE outcome AS SELECT u.uid, {zero} AS y, u.t + {offset + horizon + wait} <= {until} AS mature "
        "FROM units u LEFT JOIN happened h USING (uid)"
    )
    inner = events(
        scanned, entity, whole, join, time=outcome.time, known=outcome.known_at, where=outcome.where,
        times=[after, f"<= {until}"],
    )  # fmt: skip
    curve, sampled = _first_outcomes(con, inner, len(entity), f"e.time > u.t + {offset}{known}", offset, until, unit)
    return {
        "until": until, "wait": wait / unit, "horizon": horizon / unit, "offset": offset / unit,
        "curve": shown(curve, outcome.share, horizon / unit, sampled=sampled), "reporting": shown(reporting, outcome.share),
    }  # fmt: skip


def _first_outcomes(
    con: Any, inner: str, n_keys: int, after: str, offset: int, until: int, unit: float
) -> tuple[DelayCurve | None, bool]:
    """Return the curve of the time from a prediction to its first outcome, however late, and whether a sample made it.

    Of many units a sample is taken, about `CURVE_UNITS`: entities are taken or left whole, by their hash.
    """
    keys = ", ".join(f"k{i}" for i in range(n_keys))
    (n,) = con.execute("SELECT count(*) FROM units").fetchone()
    step = -(-n // CURVE_UNITS)
    drawn = "" if step == 1 else f" WHERE hash({keys}) % {step} = 0"
    on = " AND ".join(f"e.k{i} = u.k{i}" for i in range(n_keys))
    some = f"(SELECT * FROM units{drawn})"
    seen = con.execute(
        f"SELECT least(coalesce(h.first, {until}), {until}) - u.t - {offset} AS waited, h.first IS NOT NULL AS came "
        f"FROM {some} u LEFT JOIN (SELECT u.uid, min(e.time) AS first FROM (SELECT * FROM {inner}{drawn}) e "
        f"JOIN {some} u ON {on} WHERE {after} GROUP BY u.uid) h USING (uid) WHERE waited >= 0"
    ).fetchnumpy()
    return _curve(np.asarray(seen["waited"], float) / unit, np.asarray(seen["came"], bool)), step > 1


def _label(outcome: OutcomeSection) -> str:
    match outcome.aggregate:
        case "any":
            return "1::BIGINT"
        case "count":
            return "count(*)"
        case "first" | "last":
            return f"{'arg_min' if outcome.aggregate == 'first' else 'arg_max'}(e.v, {ORDER})"
        case "mean":
            return "avg(e.v)"
    return f"{outcome.aggregate}(e.v)"


def _until(con: Any, scanned: Scanned, outcome: OutcomeSection, join: JoinSection) -> int:
    """Return the end of the outcomes' record [µs]: stated, or the latest moment any of its rows tells of."""
    if outcome.until is not None:
        return moment(outcome.until, join.clock, "outcome.until")
    if join.clock != "date":
        raise ConfigError(
            "join.outcome.until is missing",
            rule="with an elapsed clock every unit has a start of its own, and only you know how long all were followed",
            found=f"join.clock is {join.clock}, and until is empty",
            do=f"state it, such as until: {'48h' if join.clock == 'hours' else '90d'}",
        )
    moments = ", ".join(scanned.time(c, join.clock) for c in (outcome.time, outcome.known_at) if c is not None)
    (last,) = con.execute(f"SELECT max(greatest({moments})) FROM {scanned.sql}").fetchone()
    if last is None:
        raise DataError(
            f"no row of {scanned.label} has a time", rule="an outcome happened at a time",
            found=f"column {outcome.time!r} is empty", do="name its column of times under outcome.time",
        )  # fmt: skip
    return int(last)


def _wait(
    con: Any, scanned: Scanned, outcome: OutcomeSection, join: JoinSection, until: int, unit: float
) -> tuple[int, DelayCurve | None]:
    """Return how long to wait for outcomes recorded late [µs], and the delay it was taken from."""
    if outcome.known_at is None:
        return (0 if outcome.wait in (None, "0d") else duration(str(outcome.wait))), None
    time, known = (scanned.time(str(c), join.clock) for c in (outcome.time, outcome.known_at))
    alive = "" if outcome.where is None else f" AND {condition(outcome.where, columns_of(scanned))}"
    (n,) = con.execute(f"SELECT count(*) FROM {scanned.sql}").fetchone()
    if n > CURVE_EVENTS:
        alive += f" AND hash({scanned.row}) % {-(-n // CURVE_EVENTS)} = 0"
    rows = con.execute(
        f"SELECT greatest(coalesce({known}, {until}) - {time}, 0) AS delay, {known} IS NOT NULL AS came, "
        f"{until} - {time} AS followed FROM {scanned.sql} WHERE {time} <= {until}{alive}"
    ).fetchnumpy()
    delay, came = np.asarray(rows["delay"], float), np.asarray(rows["came"], bool)
    if came.all() and len(delay):
        # A table of arrived outcomes shows of recent events only the quick ones: take those that were all followed for
        # as long as the longest delay, so that none of theirs is missing.
        long_ago = np.asarray(rows["followed"], float) >= delay.max()
        if long_ago.sum() >= ENOUGH_FOLLOWED:
            delay, came = delay[long_ago], came[long_ago]
    curve = _curve(delay / unit, came)
    found = None if curve is None else curve.wait(outcome.share)
    if outcome.wait is not None:
        return (0 if outcome.wait == "0d" else duration(outcome.wait)), curve
    return round((found or 0.0) * unit), curve


def _curve(durations: np.ndarray, observed: np.ndarray) -> DelayCurve | None:
    return kaplan_meier(durations, observed) if len(durations) else None


def shown(
    curve: DelayCurve | None, share: float, horizon: float | None = None, *, sampled: bool = False
) -> dict[str, Any] | None:
    """Return a delay curve as facts: thinned, with the waits for half, 90 %, 99 % and `share` of what arrives."""
    if curve is None:
        return None
    keep = np.unique(np.linspace(0, len(curve.times) - 1, min(SHOWN, len(curve.times))).round().astype(int))
    thin = DelayCurve(
        curve.times[keep], curve.arrived[keep], curve.low[keep], curve.high[keep], curve.n, curve.n_waiting, curve.followed
    )  # fmt: skip
    end = float(curve.arrived[-1]) if len(curve.times) else 0.0
    covered = None if horizon is None or not end else curve.at(horizon) / end
    waits = {"median": 0.5, "wait_90": 0.9, "wait_99": 0.99, "wait": share}
    return {
        **thin.to_dict(), "sampled": sampled, "share": share, "arrive_at_all": end, "within_horizon": covered,
        **{name: curve.wait(part) for name, part in waits.items()},
    }  # fmt: skip
