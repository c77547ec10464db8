"""Explain: the section of the page on what the answer follows from, from its facts alone.

Knows the facts of `explain`; a fact that is not there leaves its block out. The additivity error stands beside every plot of parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import cell, decimals_for, number, plural, share, span

MOST_COLUMNS, MOST_PARTS = 20, 8


def explain(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step explain, output by output."""
    outputs = at(f, "outputs", default=[])
    found: list[Block] = []
    for output in outputs:
        if len(outputs) > 1:
            found.append(blocks.heading(str(output.get("output"))))
        found.append(blocks.grid([_importance(f, output), _strength(output)]))
        curves = [_curve(output, one) for one in at(output, "curves", default=[])]
        if curves:
            note = "The mean prediction as one column takes each value and all else stays. The band holds 80 % of single rows' curves about their mean: wide where the column acts differently on different rows."
            found += [blocks.heading("Partial dependence"), blocks.text(note, "muted"), blocks.grid(curves)]
        found += _counter(output)
        found += _rows(output)
    return found


def additivity(output: Mapping[str, Any]) -> str:
    """Return the additivity error in words, as it stands beside every plot of parts."""
    error = at(output, "error", default={})
    return (
        f"Additivity error: {number(error.get('mean'))} {output.get('scale')} on average, {number(error.get('largest'))} at most "
        f"({share(error.get('share'))} of how far scores lie from their base)."
    )


def _importance(f: Mapping[str, Any], output: Mapping[str, Any]) -> Block:
    entries = at(output, "importance", default=[])
    places = decimals_for([e.get("interval") for e in entries])
    rows = [
        {
            "name": ", ".join(e["columns"]), "value": e["value"], "low": at(e, "interval", 0), "high": at(e, "interval", 1),
            "label": f"{number(e['value'], places)} {span(e.get('interval'), places)}",
        }
        for e in entries[:MOST_COLUMNS]
    ]  # fmt: skip
    left = (
        [f"{plural(at(output, 'not_dealt', default=0), 'column')} of the weakest parts not dealt"]
        if at(output, "not_dealt")
        else []
    )
    left += [f"{MOST_COLUMNS} of {len(entries)} shown"] if len(entries) > MOST_COLUMNS else []
    note = (
        f"{at(f, 'candidate')}, fitted on {number(at(f, 'n_fitted'))} rows, judged on {number(at(f, 'n'))} others: what is lost where the column's cells are "
        f"dealt to the wrong rows, with 95 % intervals over units.{' ' + '; '.join(left) + '.' if left else ''}"
    )
    title = f"What {output.get('output')} loses without each column [{output.get('metric')}]"
    return blocks.chart(
        dots(rows), title, "; ".join(f"{row['name']} {row['label']}" for row in rows), note=note, wide=False
    )


def _strength(output: Mapping[str, Any]) -> Block:
    rows = [
        {"name": e["column"], "value": e["value"], "label": number(e["value"])}
        for e in at(output, "strength", default=[])[:MOST_COLUMNS]
    ]
    title = str(output.get("title"))
    note = f"{title[:1].upper()}{title[1:]} of {output.get('of')}, {number(output.get('n_explained'))} rows. {additivity(output)}"
    return blocks.chart(
        parted(rows, f"mean absolute part [{output.get('scale')}]"), "How much each column moves the score",
        "; ".join(f"{row['name']} {row['label']}" for row in rows), note=note, wide=False,
    )  # fmt: skip


def _curve(output: Mapping[str, Any], one: Mapping[str, Any]) -> Block:
    curves, grid = at(one, "curves", default=[]), at(one, "grid", default=[])
    ordered = one.get("kind") in ("number", "datetime")
    rows = [
        {
            "x": cell(x) if not ordered else x, "y": curve["mean"][i], "low": curve["low"][i], "high": curve["high"][i], "line": str(curve["of"]),
            "label": f"{number(curve['mean'][i])} [{number(curve['low'][i])}, {number(curve['high'][i])}]",
        }
        for curve in curves
        for i, x in enumerate(grid)
    ]  # fmt: skip
    said = "; ".join(
        f"{curve['of']}: from {number(min(curve['mean'], default=None))} to {number(max(curve['mean'], default=None))}"
        for curve in curves
    )
    units = "probability" if output.get("labels") and output.get("task") != "vector" else "prediction"
    note = f"{one['left_out']} further labels not drawn." if at(one, "left_out") else ""
    name = str(one.get("column"))
    spec = lines(rows, name, units, one.get("kind") == "datetime") if ordered else levels(rows, units)
    return blocks.chart(spec, name, said, note=note, wide=False)


def _counter(output: Mapping[str, Any]) -> list[Block]:
    rows = []
    for one in at(output, "counter", default=[]):
        change, nearest = at(one, "change"), at(one, "nearest")
        told = (
            f"{change['column']}: {_value(change['from'])} → {_value(change['to'])} gives {change['answer']}"
            if change else "no single column turns it"
        )  # fmt: skip
        other, differs = "none", ""
        if nearest:
            other = f"{nearest['answer']} (in truth {nearest['truth']}), {number(nearest['distance'], 3)} away"
            shown = nearest["differs"][:4]
            differs = ", ".join(f"{d['column']} {_value(d['there'])} in place of {_value(d['here'])}" for d in shown)
            differs += f", and {len(nearest['differs']) - 4} more" if len(nearest["differs"]) > 4 else ""
        rows.append([number(one.get("row")), one.get("answer"), told, other, blocks.whole(differs)])
    columns = [
        column("development row", True),
        column("answer"),
        column("smallest change of one column"),
        column("nearest row answered otherwise"),
        column("which has"),
    ]
    note = "Changes are tried at usual values of each column; a number is then narrowed down to where the answer turns. They say what the model does, not what the world would."
    return [blocks.table(columns, rows, caption="What would turn the answer", note=note)] if rows else []


def _error(value: Any) -> str:
    """Return an error of adding up; what computers leave of 0 is called 0."""
    return number(0 if isinstance(value, float) and abs(value) < 1e-9 else value)


def _rows(output: Mapping[str, Any]) -> list[Block]:
    drawn = []
    for one in at(output, "rows", default=[]):
        parts = at(one, "parts", default=[])
        shown = [
            {
                "name": f"{p['column']} = {_value(p['cell'])[:40]}",
                "value": p["value"],
                "label": number(p["value"], sign=True),
            }
            for p in parts[:MOST_PARTS]
        ]
        rest = sum(p["value"] for p in parts[MOST_PARTS:])
        if len(parts) > MOST_PARTS:
            shown.append(
                {"name": f"{len(parts) - MOST_PARTS} further columns", "value": rest, "label": number(rest, sign=True)}
            )
        of = f" for {one['of']}" if "of" in one else ""
        title = f"{number(one.get('prediction'))}{of}, in truth {_value(one.get('truth'))}"
        note = f"Base {number(one.get('base'))}, score {number(one.get('score'))} {output.get('scale')}; additivity error of this row {_error(one.get('error'))}."
        inner = [
            blocks.chart(
                parted(shown), title, "; ".join(f"{row['name']} {row['label']}" for row in shown), note=note, wide=False
            )
        ]
        inner += [
            block for name, detail in at(one, "details", default={}).items() for block in _detail(name, detail, note)
        ]
        drawn += inner
    return [blocks.heading("Single rows, from the lowest score to the highest"), blocks.grid(drawn)] if drawn else []


def _detail(name: str, detail: Mapping[str, Any], note: str) -> list[Block]:
    """Return what is inside one media column of a row: tokens, regions or steps."""
    kind = detail.get("kind")
    if kind == "tokens":
        pairs = sorted(zip(detail["tokens"], detail["values"], strict=True), key=lambda pair: -abs(pair[1]))[:12]
        rows = [
            {"name": f"{i + 1}. {token}", "value": value, "label": number(value, sign=True)}
            for i, (token, value) in enumerate(pairs)
        ]
        return [
            blocks.chart(
                parted(rows),
                f"{name}: the strongest tokens",
                "; ".join(f"{r['name']} {r['label']}" for r in rows),
                note=note,
                wide=False,
            )
        ]
    if kind == "regions":
        grid = detail["grid"]
        rows = [
            {"x": x + 1, "y": y + 1, "value": value, "label": number(value, sign=True)}
            for y, line in enumerate(grid)
            for x, value in enumerate(line)
        ]
        return [blocks.chart(tiles(rows), f"{name}: regions", _extremes(rows), note=note, wide=False)]
    if kind == "steps":
        n, values = detail.get("n_steps", len(detail["values"])), detail["values"]
        rows = [
            {"x": round(i * n / len(values)), "value": value, "label": number(value, sign=True)}
            for i, value in enumerate(values)
        ]
        return [blocks.chart(along(rows), f"{name}: steps", _extremes(rows), note=note, wide=False)]
    return []


def _extremes(rows: Sequence[Mapping[str, Any]]) -> str:
    values = [row["value"] for row in rows]
    return f"parts from {number(min(values, default=None))} to {number(max(values, default=None))}"


def _value(value: Any) -> str:
    return (
        "missing"
        if value is None
        else number(value)
        if isinstance(value, float)
        else str(value).removesuffix("T00:00:00")
    )


def _named(rows: charts.Rows) -> dict[str, Any]:
    axis = {"title": None, "ticks": False, "domain": False, "labelLimit": 190, "labelColor": "var(--ink)"}
    return {"field": "name", "type": "nominal", "sort": [row["name"] for row in rows], "axis": axis}


SIGNED = {"condition": {"test": "datum.value < 0", "value": "var(--bad)"}, "value": "var(--blue)"}
"""Colour of a part: what lowers the score differs from what raises it, and lies on the other side of the line."""


def dots(rows: charts.Rows) -> charts.Spec:
    """Values {name, value, low, high, label} with their intervals and the line of no difference."""
    tooltip, y = charts.tips(name="column", label="lost"), _named(rows)
    return charts.base(rows, 26 * max(1, len(rows)), layer=[
        {"data": {"values": [{"at": 0}]}, "mark": {"type": "rule", "color": "var(--muted)"}, "encoding": {"x": {"field": "at", "type": "quantitative"}}},
        {"mark": {"type": "rule", "strokeWidth": 2.2, "color": "var(--blue)"}, "encoding": {"x": charts.quantity("low", "lost", True, axis={"tickCount": 5}), "x2": {"field": "high"}, "y": y, "tooltip": tooltip}},
        {"mark": {"type": "point", "size": 70, "opacity": 1, "filled": True, "color": "var(--blue)"}, "encoding": {"x": charts.quantity("value", "lost", True), "y": y, "tooltip": tooltip}},
    ])  # fmt: skip


def parted(rows: charts.Rows, title: str = "part of the score") -> charts.Spec:
    """Bars of {name, value, label} to both sides of 0."""
    return charts.base(rows, 22 * max(1, len(rows)), mark={"type": "bar", "opacity": 0.85, "height": {"band": 0.7}}, encoding={
        "x": charts.quantity("value", title, True, axis={"tickCount": 5}), "y": _named(rows), "color": SIGNED, "tooltip": charts.tips(name="column", label="part"),
    })  # fmt: skip


def _coloured(rows: charts.Rows) -> dict[str, Any]:
    names = list(dict.fromkeys(str(row["line"]) for row in rows))
    palette = [*charts.COLOURS[1:], charts.COLOURS[0]]
    colour = {"domain": names, "range": [palette[i % len(palette)] for i in range(len(names))]}
    return {"field": "line", "type": "nominal", "scale": colour, "legend": {"title": None} if len(names) > 1 else None}


def lines(rows: charts.Rows, x: str, y: str, dates: bool = False) -> charts.Spec:
    """Lines of {x, y, low, high, line, label} with their bands."""
    place = (
        {"field": "x", "type": "temporal", "axis": {"title": x}}
        if dates
        else charts.quantity("x", x, axis={"tickCount": 6})
    )
    shared = {"x": place, "color": _coloured(rows), "tooltip": charts.tips(label="mean, rows' band", line="of")}
    return charts.base(rows, 170, layer=[
        {"mark": {"type": "area", "opacity": 0.16}, "encoding": {**shared, "y": charts.quantity("low", y, axis={"tickCount": 5}), "y2": {"field": "high"}}},
        {"mark": {"type": "line", "point": {"size": 16}}, "encoding": {**shared, "y": charts.quantity("y", y, axis={"tickCount": 5})}},
    ])  # fmt: skip


def levels(rows: charts.Rows, y: str) -> charts.Spec:
    """Points of {x, y, low, high, line, label}, one level a line of the chart."""
    names = list(dict.fromkeys(str(row["x"]) for row in rows))
    place = {
        "field": "x",
        "type": "nominal",
        "sort": names,
        "axis": {"title": None, "ticks": False, "labelLimit": 140, "labelColor": "var(--ink)"},
    }
    shared = {
        "y": place,
        "color": _coloured(rows),
        "tooltip": charts.tips(x="level", label="mean, rows' band", line="of"),
    }
    return charts.base(rows, max(60, 24 * len(names)), layer=[
        {"mark": {"type": "rule", "strokeWidth": 4, "opacity": 0.25}, "encoding": {**shared, "x": charts.quantity("low", y, axis={"tickCount": 5}), "x2": {"field": "high"}}},
        {"mark": {"type": "point", "size": 70, "filled": True, "opacity": 1}, "encoding": {**shared, "x": charts.quantity("y", y, axis={"tickCount": 5})}},
    ])  # fmt: skip


def tiles(rows: charts.Rows) -> charts.Spec:
    """Regions {x, y, value, label} of an image: the colour is the part's sign, its strength how large it is."""
    reach = max((abs(row["value"]) for row in rows), default=1.0) or 1.0
    axis = {"title": None, "ticks": False, "labels": False, "domain": False}
    strong = [{**row, "strength": abs(row["value"]) / reach} for row in rows]
    opacity = {
        "field": "strength",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [0.04, 1]},
        "legend": None,
    }
    return charts.base(strong, 200, mark={"type": "rect"}, encoding={
        "x": {"field": "x", "type": "ordinal", "axis": axis}, "y": {"field": "y", "type": "ordinal", "axis": axis},
        "color": SIGNED, "opacity": opacity, "tooltip": charts.tips(label="part"),
    })  # fmt: skip


def along(rows: charts.Rows) -> charts.Spec:
    """Columns of {x, value, label} along a series or a sound."""
    return charts.base(rows, 120, mark={"type": "bar", "opacity": 0.85}, encoding={
        "x": {"field": "x", "type": "ordinal", "axis": {"title": "step", "labelOverlap": True, "labelAngle": 0}},
        "y": charts.quantity("value", "part of the score", True, axis={"tickCount": 4}), "color": SIGNED, "tooltip": charts.tips(x="from step", label="part"),
    })  # fmt: skip
