"""Join: the section of the page on how rows were made of events, from its facts: units kept and left out, delays, tables.

Knows the facts of `join`; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import ABSENT, number, plural, settings, share

MOST_FEATURES = 200


def join(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step join."""
    unit = "days" if at(f, "clock", default="date") == "date" else str(f["clock"])
    found = [_units(f), _times(f, unit)]
    drawn = [block for name, words in DELAYS.items() if (block := _delay(at(f, name), words, f, unit)) is not None]
    found += [blocks.grid(drawn)] if len(drawn) > 1 else drawn
    tables = at(f, "tables", default=[])
    return [*found, *([_tables(tables), _features(tables, unit)] if tables else [])]


def _units(f: Mapping[str, Any]) -> Block:
    n = at(f, "n_asked", default=0) or 1
    if n == at(f, "n_units"):
        return blocks.text(
            "No unit was left out: the horizon of each, and the wait for late outcomes, lie within the record."
        )
    parts = (
        ("rows of the table", at(f, "n_units")), ("left out: immature", at(f, "n_immature")),
        ("left out: no outcome", at(f, "n_without_outcome")),
    )  # fmt: skip
    rows = [{"name": name, "value": k, "label": f"{number(k)} units ({share(k / n)})"} for name, k in parts if k]
    return blocks.chart(
        charts.bars(rows, "units", step=24, units="units"), f"What became of {plural(n, 'unit')}",
        "; ".join(f"{x['name']} {x['label']}" for x in rows),
        note="An immature unit is left out whatever it shows so far: its horizon, and the wait for late outcomes, reach beyond the record.",
    )  # fmt: skip


def _times(f: Mapping[str, Any], unit: str) -> Block:
    before = "known, and at or before" if at(f, "same_time") == "include" else "known before"
    counted = f"{before} the prediction time" if at(f, "known_only", default=True) else "all, also those of the future"
    return blocks.facts([
        ("Entities", number(at(f, "n_entities"))), ("Target", at(f, "target")), ("Events that count", counted),
        ("Horizon", _length(at(f, "horizon"), unit)), ("Waited for late outcomes", _length(at(f, "wait") or None, unit)),
        ("Rows without entity or time", number(at(f, "n_without_key") or None) if at(f, "n_without_key") else None),
    ])  # fmt: skip


def _length(value: Any, unit: str) -> str | None:
    """A length of time in three digits."""
    return None if value is None else f"{number(float(f'{value:.3g}'))} {unit}"


DELAYS = {
    "delay": ("How long outcomes take after the prediction", "share of units with an outcome"),
    "reporting": ("How late outcomes are recorded", "share of outcomes on record"),
}


def _delay(d: Mapping[str, Any] | None, words: tuple[str, str], f: Mapping[str, Any], unit: str) -> Block | None:
    """The curve of a delay with its band, the horizon as a line where it is one of outcomes, and what it recommends."""
    if d is None or not at(d, "times", default=[]):
        return None
    outcome = words is DELAYS["delay"]
    rows = [
        {"wait": t, "arrived": a, "low": low, "high": high, "label": share(a)}
        for t, a, low, high in zip(d["times"], d["arrived"], d["low"], d["high"], strict=False)
    ]
    start = {"wait": 0.0, "arrived": 0.0, "low": 0.0, "high": 0.0, "label": share(0.0)}
    rows = rows if rows[0]["wait"] == 0 else [start, *rows]
    told = [
        f"{name} after {_length(d[key], unit)}"
        for name, key in (
            ("half", "median"),
            ("90 %", "wait_90"),
            (share(at(d, "share"), 0), "wait"),
            ("99 %", "wait_99"),
        )
        if at(d, key) is not None
    ]
    told = list(dict.fromkeys(told))
    note = f"Of those that arrive at all: {', '.join(told)}."
    if outcome:
        note += f" Recommended wait: {_length(at(d, 'wait'), unit) or ABSENT}."
        if at(d, "within_horizon") is not None:
            note += f" The horizon of {_length(at(f, 'horizon'), unit)} holds {share(d['within_horizon'])}."
    else:
        note += f" Waited for: {_length(at(f, 'wait', default=0), unit)}."
    of = "a sample of " if at(d, "sampled") else ""
    note += (
        f" Kaplan–Meier of {of}{plural(at(d, 'n', default=0), 'unit' if outcome else 'outcome')}, {number(at(d, 'n_waiting'))} of which"
        f" still wait; 95 % band; followed for {_length(at(d, 'followed'), unit)} at most."
    )
    return blocks.chart(
        curve(rows, unit, words[1], at(f, "horizon") if outcome else None), words[0], "; ".join(told), note=note
    )


def curve(rows: charts.Rows, unit: str, title: str, horizon: float | None = None) -> charts.Spec:
    """Stairs of {wait, arrived, low, high, label} with their band, and a dashed line at the horizon."""
    x = charts.quantity("wait", f"wait [{unit}]", True, axis={"tickCount": 6, "labelOverlap": True})
    axis = {"format": ".0%", "tickCount": 5}
    tooltip = charts.tips(wait=f"wait [{unit}]", label="arrived")
    line = {"type": "line", "interpolate": "step-after", "color": "var(--blue)", "point": {"size": 12, "opacity": 0.01}}
    layers: list[charts.Spec] = [
        {"mark": {"type": "area", "interpolate": "step-after", "color": "var(--blue)", "opacity": 0.18}, "encoding": {
            "x": x, "y": charts.quantity("low", title, True, axis=axis), "y2": {"field": "high"}}},
        {"mark": line, "encoding": {"x": x, "y": charts.quantity("arrived", title, True, axis=axis), "tooltip": tooltip}},
    ]  # fmt: skip
    if horizon is not None:
        layers.append({
            "data": {"values": [{"at": horizon, "label": "horizon"}]},
            "mark": {"type": "rule", "strokeDash": [5, 4], "color": "var(--muted)", "strokeWidth": 1.2},
            "encoding": {"x": {"field": "at", "type": "quantitative"}, "tooltip": charts.tips(label="line")},
        })  # fmt: skip
    return charts.base(rows, 220, layer=layers)


def _tables(tables: Sequence[Mapping[str, Any]]) -> Block:
    """What each feature table holds, a column a table: they are few, and what is counted needs words."""
    columns = [column("events"), *(column(_short(t), True) for t in tables)]
    said: list[tuple[str, Callable[[Mapping[str, Any]], str]]] = [
        ("in all", lambda t: number(t.get("n_rows"))),
        ("of entities that are units", lambda t: _of(t.get("n_of_units"), t.get("n_rows"))),
        ("at or after the last prediction time of their unit", lambda t: _of(t.get("n_after"), t.get("n_rows"))),
        ("known later than they happened", lambda t: _of(t.get("n_known_later"), t.get("n_rows"))),
        ("kept from a unit because not yet known (event × unit)", lambda t: number(t.get("n_late"))),
        ("repeated, of those looked at", lambda t: _of(t.get("n_repeated"), t.get("n_examined"))),
        ("rows of the joined table with an event", lambda t: _of(t.get("n_with_events"), t.get("n_units"))),
        ("features made", lambda t: number(len(at(t, "features", default=[])))),
    ]
    return blocks.table(columns, [[words, *map(told, tables)] for words, told in said], caption="Feature tables")


def _short(t: Mapping[str, Any]) -> str:
    """The file of a table out of its label, `join.features[0] (events.parquet)`."""
    label = str(at(t, "table", default=""))
    return label.partition("(")[2].removesuffix(")") or label


def _of(n: Any, total: Any) -> str:
    if n is None or not total:
        return ABSENT
    return f"{number(n)} ({share(n / total)})" if n else number(0)


def _features(tables: Sequence[Mapping[str, Any]], unit: str) -> Block:
    several = len(tables) > 1
    rows = [
        [
            x.get("name"), x.get("aggregate"), x.get("column") or ABSENT, _window(x, unit), _only(x), share(x.get("coverage")),
            share(x.get("cut")) if x.get("cut") else ABSENT, *([_short(t)] if several else []),
        ]
        for t in tables for x in at(t, "features", default=[])
    ]  # fmt: skip
    columns = [
        column("feature"), column("aggregate"), column("of column"), column("window", True), column("of events where"), column("coverage", True),
        column("window cut", True), *([column("table")] if several else []),
    ]  # fmt: skip
    note = "Window cut: the share of rows whose window begins before the table's first event."
    inner = blocks.table(columns, rows, note=note, most=MOST_FEATURES)
    return blocks.details(f"{plural(len(rows), 'feature')} of events", [inner], opened=len(rows) <= 12)


def _window(x: Mapping[str, Any], unit: str) -> str:
    days = x.get("window_days")
    per = {"days": 1.0, "hours": 24.0, "minutes": 1_440.0, "seconds": 86_400.0}[unit]
    return "all" if days is None else f"{number(days * per)} {unit}"


def _only(x: Mapping[str, Any]) -> str:
    parts = [str(x["where"])] if x.get("where") else []
    if x.get("by"):
        parts.append(f"{x['by'][0]} = {x['by'][1]}")
    if x.get("smoothing"):
        parts.append(f"smoothed: {settings(x['smoothing'])}")
    return "; ".join(parts) or ABSENT
