"""Features of a join: which columns a feature table gives, and the one query that makes them.

Knows aggregates, windows, levels and the rule of time: an event counts for a unit when it happened, and was known, before
the unit's prediction time. Knows neither files nor outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldguide.core.documents.join_sections import (
    FeatureSection,
    FeatureTableSection,
    JoinSection,
    SmoothingSection,
    duration,
)
from fieldguide.core.errors import ConfigError, DataError, listed
from fieldguide.steps.join.sql import condition, literal, name
from fieldguide.steps.join.tables import CLOCKS, Scanned, Use

MAX_LEVELS = 200
DAY = 86_400_000_000
ORDER = "(e.time::HUGEINT * 1099511627776 + e.rn)"
"""Orders events by time, those of one time as they stand in the file."""


@dataclass(frozen=True)
class Feature:
    """One column of the joined table.

    Args:
        name: its name.
        aggregate: what is made of the events; `as_of` takes the latest row's cell, missing or not.
        column: the column that is aggregated, or None.
        window: how far back events count [µs]; None: all.
        where: the condition of its events; None: all.
        by: the column whose level its events have, with the level; None: all events.
        smoothing: prior and strength of a rate.
    """

    name: str
    aggregate: str
    column: str | None = None
    window: int | None = None
    where: str | None = None
    by: tuple[str, str] | None = None
    smoothing: SmoothingSection | None = None

    @property
    def empty(self) -> float | None:
        """What a unit without events has: 0 where nothing is an amount, the prior of a rate, else missing."""
        if self.aggregate == "rate" and self.smoothing is not None:
            return self.smoothing.prior
        return 0.0 if self.aggregate in ("count", "sum", "nunique") else None

    def to_dict(self) -> dict[str, Any]:
        """Return what it is, as plain data."""
        smoothing = None if self.smoothing is None else self.smoothing.model_dump()
        return {
            "name": self.name, "aggregate": self.aggregate, "column": self.column, "where": self.where,
            "window_days": None if self.window is None else self.window / DAY,
            "by": None if self.by is None else list(self.by), "smoothing": smoothing,
        }  # fmt: skip


def uses_of(table: FeatureTableSection, entity: Sequence[str]) -> dict[str, Use]:
    """Return the columns a feature table needs, and what for."""
    from fieldguide.core.language.syntax import read_syntax

    uses: dict[str, Use] = {}
    texts = [table.where, *(feature.where for feature in table.columns.values())]
    for text in filter(None, texts):
        uses |= dict.fromkeys(read_syntax(text).columns, "value")
    for feature in table.columns.values():
        for column in (feature.column, feature.by):
            if column is not None and uses.get(column) != "number":
                uses[column] = "number" if column == feature.column and feature.numeric else "value"
    uses |= {column: uses.get(column, "value") for column in table.as_of}
    for column, use in (*((e, "entity") for e in entity), (table.time, "time"), (table.known_at, "time")):
        if column is not None:
            if uses.get(column) == "number":
                raise ConfigError(
                    f"column {column!r} of {table.table.name} is its {use}, and is aggregated as a number",
                    rule="a column of events is used in one way", found=f"{use}: {column}, and column: {column} of a feature",
                    do="aggregate another column, or copy this one under another name",
                )  # fmt: skip
            uses[column] = use  # type: ignore[assignment]
    return uses


def planned(table: FeatureTableSection, levels_of: Callable[[FeatureSection], Sequence[str]]) -> list[Feature]:
    """Return the features of a table, in order: by level, aggregate and window."""
    found = []
    for said, feature in table.columns.items():
        groups: list[str | None] = [None] if feature.by is None else list(levels_of(feature))
        for level in groups:
            for aggregate in feature.aggregate:
                for window in feature.window or (None,):
                    words = [said, level, aggregate if len(feature.aggregate) > 1 else None,
                             window if len(feature.window or ()) > 1 else None]  # fmt: skip
                    found.append(Feature(
                        "_".join(word for word in words if word is not None), aggregate, feature.column,
                        None if window is None else duration(window), feature.where,
                        None if level is None or feature.by is None else (feature.by, level), feature.smoothing,
                    ))  # fmt: skip
    return [*found, *(Feature(column, "as_of", column) for column in table.as_of)]


def events(
    scanned: Scanned, entity: Sequence[str], whole: Sequence[bool], join: JoinSection, *, time: str, known: str | None,
    lag: int = 0, where: str | None = None, values: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None,
    ordered: bool = False, times: Sequence[str] = (),
) -> str:  # fmt: skip
    """Return the SQL of a table's events: k0 …, time, known, the values' aliases, and `rn` where order matters.

    Args:
        known: the column of the moment an event was known; None: when it happened. `lag` is added to it [µs].
        values: alias of each value column.
        flags: alias of each condition.
        ordered: give the number of each row.
        times: bounds of the time, such as "<= 5" [µs], that hold for all events of use: rows beyond are not joined at all.
    """
    keys = [f"{scanned.entity(column, w)} AS k{i}" for i, (column, w) in enumerate(zip(entity, whole))]
    moments = [f"{scanned.time(time, join.clock)} AS time"]
    if known is not None or lag:
        base = scanned.time(known or time, join.clock)
        # what is known before it happened, such as a plan, is still not an event before it happens
        moments.append(f"{base} + {lag} AS known")
    cells = [f"{scanned.value(column)} AS {alias}" for column, alias in (values or {}).items()]
    cells += [f"{condition(text, columns_of(scanned))} AS {alias}" for text, alias in (flags or {}).items()]
    row = [f"{scanned.row} AS rn"] if ordered else []
    bounds = [f"{scanned.time(time, join.clock)} {bound}" for bound in times]
    if where is not None:
        bounds.append(condition(where, columns_of(scanned)))
    alive = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    return f"(SELECT {', '.join([*keys, *moments, *cells, *row])} FROM {scanned.sql}{alive})"


def columns_of(scanned: Scanned) -> dict[str, tuple[str, str]]:
    """Return SQL and kind of every value an expression may read."""
    return {column: (scanned.value(column), kind) for column, kind in scanned.kinds.items()}


def make(
    con: Any, target: str, scanned: Scanned, table: FeatureTableSection, entity: Sequence[str], whole: Sequence[bool],
    features: Sequence[Feature], join: JoinSection,
) -> dict[str, int]:  # fmt: skip
    """Make the temporary table `target`: uid, n (events read), the features as f0, f1 …; return what was left out.

    Features `by` a column are first aggregated per unit and level, then laid side by side: one pass for any number of levels.
    """
    conditions = dict.fromkeys(f.where for f in features if f.where is not None)
    values = dict.fromkeys([f.column for f in features if f.column] + [f.by[0] for f in features if f.by])
    alias = {column: f"v{i}" for i, column in enumerate(values)}
    flags = {text: f"w{i}" for i, text in enumerate(conditions)}
    lag = _micros(table.lag)
    late = join.known_only and (table.known_at is not None or lag > 0)
    ordered = any(f.aggregate in ("first", "last", "as_of") for f in features)
    inner = events(
        scanned, entity, whole, join, time=table.time, known=table.known_at, lag=lag, where=table.where,
        values=alias, flags=flags, ordered=ordered, times=_bounds(con, _widest(features), join),
    )  # fmt: skip
    source, widest = _joined(inner, len(entity), features, join, late), _widest(features)
    parts = []
    for number, (by, wanted) in enumerate(_grouped(features)):
        part = f"{target}_{number}"
        distinct = dict.fromkeys(_sql(f, alias, flags, join, widest) for _, f in wanted)
        place = {sql: f"a{i}" for i, sql in enumerate(distinct)}
        columns = ", ".join([*(f"{sql} AS {a}" for sql, a in place.items()), "count(*) AS n"])
        if by is None:
            laid = ", ".join(f"{place[_sql(f, alias, flags, join, widest)]} AS f{i}" for i, f in wanted)
            con.execute(
                f"CREATE TEMP TABLE {part} AS SELECT uid, n, {laid} FROM (SELECT u.uid, {columns} FROM {source} GROUP BY u.uid)"
            )
        else:
            levels = dict.fromkeys(str(f.by[1]) for _, f in wanted if f.by is not None)
            cell = f"{alias[by]}::VARCHAR"
            laid = ", ".join(
                f"any_value({place[_sql(f, alias, flags, join, widest)]}) FILTER (WHERE level = {literal(f.by[1])}) AS f{i}"
                for i, f in wanted
                if f.by is not None
            )
            con.execute(
                f"CREATE TEMP TABLE {part} AS SELECT uid, sum(n) AS n, {laid} FROM (SELECT u.uid, {cell} AS level, {columns} "
                f"FROM {source} AND {cell} IN ({', '.join(map(literal, levels))}) GROUP BY u.uid, level) GROUP BY uid"
            )
        parts.append(part)
    sides = " ".join(f"LEFT JOIN {part} USING (uid)" for part in parts)
    cells = ", ".join(
        f"coalesce(f{i}, {literal(f.empty)}) AS f{i}" if f.empty is not None else f"f{i}"
        for i, f in enumerate(features)
    )
    n = "greatest(" + ", ".join([*(f"coalesce({part}.n, 0)" for part in parts), "0"]) + ")"
    con.execute(f"CREATE TEMP TABLE {target} AS SELECT u.uid, {n} AS n, {cells} FROM units u {sides}")
    for part in parts:
        con.execute(f"DROP TABLE {part}")
    return {"n_late": _late(con, inner, len(entity), features, join) if late else 0}


def _late(con: Any, inner: str, n_keys: int, features: Sequence[Feature], join: JoinSection) -> int:
    """Count events beside the units that had happened within the widest window and were not known yet."""
    source = _joined(inner, n_keys, features, join, False)
    # most tables know most events at once: those are dropped before the join
    unknown = f"coalesce(e.known > e.time, true) AND NOT {_known(join)}"
    (n,) = con.execute(f"SELECT count(*) FROM {source} AND {unknown}").fetchone()
    return int(n)


def _micros(text: str) -> int:
    return 0 if text == "0d" else duration(text)


def _grouped(features: Sequence[Feature]) -> Iterator[tuple[str | None, list[tuple[int, Feature]]]]:
    """Yield features with their places by the column whose levels they have, and by what they share a query with."""
    groups: dict[str | None, list[tuple[int, Feature]]] = {}
    for place, feature in enumerate(features):
        groups.setdefault(None if feature.by is None else feature.by[0], []).append((place, feature))
    yield from groups.items()


def _joined(inner: str, n_keys: int, features: Sequence[Feature], join: JoinSection, late: bool) -> str:
    """Return FROM … WHERE: events beside the units they may count for, by the time they happened."""
    keys = " AND ".join(f"e.k{i} = u.k{i}" for i in range(n_keys))
    widest = _widest(features)
    before = [f"e.time {'<=' if join.same_time == 'include' else '<'} u.t"] if join.known_only else ["true"]
    if late:
        before.append(_known(join))
    if widest is not None:
        before.append(_within(widest, join))
    return f"{inner} e JOIN units u ON {keys} WHERE {' AND '.join(before)}"


def _widest(features: Sequence[Feature]) -> int | None:
    """Return the window within which all events of a table lie that any feature reads, or None."""
    windows = [feature.window for feature in features]
    return None if None in windows else max(w for w in windows if w is not None)


def _bounds(con: Any, widest: int | None, join: JoinSection) -> list[str]:
    """Return between which times events can count for any unit: a tenth of a long record, often."""
    first, last = con.execute("SELECT min(t), max(t) FROM units").fetchone()
    include = join.same_time == "include"
    bounds = [] if widest is None else [f"{'>' if include else '>='} {first - widest}"]
    return [*bounds, f"{'<=' if include else '<'} {last}"] if join.known_only else bounds


def _within(window: int, join: JoinSection) -> str:
    return f"e.time {'>' if join.same_time == 'include' else '>='} u.t - {window}"


def _known(join: JoinSection) -> str:
    return f"coalesce(e.known {'<=' if join.same_time == 'include' else '<'} u.t, false)"


def _filter(conditions: Sequence[str]) -> str:
    return f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""


def _sql(
    feature: Feature, alias: Mapping[Any, str], flags: Mapping[Any, str], join: JoinSection, widest: int | None
) -> str:
    """Return the SQL of a feature's aggregate over the events that count for it."""
    only = []
    if feature.window is not None and feature.window != widest:  # the join keeps no event beyond the widest
        only.append(_within(feature.window, join))
    if feature.where is not None:
        only.append(f"e.{flags[feature.where]}")
    cell = "" if feature.column is None else f"e.{alias[feature.column]}"
    number = f"({cell})::DOUBLE"
    if cell and feature.aggregate in ("count", "since_first", "since_last"):
        only.append(f"{cell} IS NOT NULL")
    where = _filter(only)
    unit = DAY if join.clock == "date" else CLOCKS[join.clock] * 1e6
    match feature.aggregate:
        case "count":
            return f"(count(*){where})::DOUBLE"
        case "sum" | "min" | "max":
            return f"{feature.aggregate}({number}){where}"
        case "mean":
            return f"avg({number}){where}"
        case "nunique":
            return f"(count(DISTINCT {cell}){where})::DOUBLE"
        case "first":
            return f"arg_min({cell}, {ORDER}){where}"
        case "last":
            return f"arg_max({cell}, {ORDER}){where}"
        case "as_of":
            return f"arg_max_null({cell}, {ORDER}){where}"
        case "since_last":
            return f"(any_value(u.t) - max(e.time){where}) / {float(unit)!r}::DOUBLE"
        case "since_first":
            return f"(any_value(u.t) - min(e.time){where}) / {float(unit)!r}::DOUBLE"
        case "rate":
            if feature.smoothing is None:
                return f"avg({number}){where}"
            prior, strength = feature.smoothing.prior, feature.smoothing.strength
            total = f"coalesce(sum({number}){where}, 0)"
            return f"({total} + {prior * strength!r}::DOUBLE) / (count({cell}){where} + {strength!r}::DOUBLE)"
    raise AssertionError(feature.aggregate)


def levels_of(con: Any, scanned: Scanned, where: str | None, feature: FeatureSection) -> list[str]:
    """Return the levels of a column that features are made by: those stated, or all that stand in the table.

    Raises:
        DataError: there are more than a table should have columns.
    """
    if feature.levels is not None:
        return list(feature.levels)
    assert feature.by is not None
    alive = "" if where is None else f" WHERE {condition(where, columns_of(scanned))}"
    found = con.execute(
        f"SELECT DISTINCT ({scanned.value(feature.by)})::VARCHAR AS level FROM {scanned.sql}{alive} ORDER BY 1"
    ).fetchall()
    levels = [level for (level,) in found if level is not None]
    if len(levels) > MAX_LEVELS:
        raise DataError(
            f"column {feature.by!r} of {scanned.label} has {len(levels):,} levels",
            rule=f"a feature is made by at most {MAX_LEVELS} levels", found=f"{listed(levels)}",
            do="list those that matter under levels",
        )  # fmt: skip
    return levels


def check_columns(tables: Sequence[Sequence[Feature]], taken: Sequence[str]) -> None:
    """Refuse names that stand twice in the joined table. Raises ConfigError."""
    seen = list(taken)
    for column in (feature.name for features in tables for feature in features):
        if column in seen:
            raise ConfigError(
                f"the joined table would have two columns {column!r}",
                rule="every feature has a name of its own, which is not an entity, a kept column or the target",
                found="an entity, a kept column or the target" if column in taken else "two features of that name",
                do="rename one under join.features",
            )
        seen.append(column)


def quoted(feature: Feature, table: str, place: int) -> str:
    """Return the SQL that gives a made feature its name.

    Examples:
        >>> quoted(Feature("n", "count"), "g0", 2)
        'g0.f2 AS "n"'
    """
    return f"{table}.f{place} AS {name(feature.name)}"
