"""Charts: Vega-Lite specifications as plain dicts.

Knows marks, scales and colours. Field names are always ours and data are only ever values: nothing from a user's file
becomes part of an expression. Colours are CSS variables, so that one SVG serves light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

SHORT: Spec = {"labelExpr": "datum.label && abs(datum.value) >= 1000 ? format(datum.value, '~s') : datum.label"}
"""Labels of an axis: thousands as 2k, and what is smaller as it is (a format by itself would write 500 as 0.5k, 0.2 as 200m)."""

KINDS = ("trivial", "simple", "boosting", "forest", "network", "ensemble", "user")
COLOURS = (
    "var(--k-trivial)",
    "var(--k-simple)",
    "var(--k-boosting)",
    "var(--k-forest)",
    "var(--k-network)",
    "var(--k-ensemble)",
    "var(--k-user)",
)
SHAPES = ("cross", "square", "triangle-up", "triangle-right", "circle", "diamond", "triangle-down")

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
CONFIG: Spec = {
    "background": None, "font": _FONT, "view": {"stroke": None, "continuousHeight": 180},
    "axis": {
        "labelColor": "var(--muted)", "titleColor": "var(--muted)", "domainColor": "var(--line)", "tickColor": "var(--line)",
        "gridColor": "var(--line)", "gridOpacity": 0.6, "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "labelLimit": 130,
        "titlePadding": 8, "labelPadding": 4,
    },
    "legend": {
        "labelColor": "var(--muted)", "titleColor": "var(--muted)", "orient": "top", "labelFontSize": 11, "titleFontSize": 11, "title": None,
        "symbolSize": 70, "offset": 6, "padding": 0,
    },
    "axisY": {"grid": False}, "text": {"color": "var(--ink)"}, "bar": {"color": "var(--blue)"}, "rule": {"color": "var(--muted)"},
    "line": {"strokeWidth": 1.8}, "point": {"filled": True, "size": 60}, "header": {"labelColor": "var(--muted)"},
}  # fmt: skip


def base(rows: Rows, height: int, **parts: Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "width": "container", "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"}, "data": {"values": [dict(row) for row in rows]}, "config": CONFIG, **parts,
    }  # fmt: skip


def quantity(field: str, title: str | None, zero: bool = False, **more: Any) -> Spec:
    axis = {"title": title, **more.pop("axis", {})}
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"zero": zero, "nice": True, **more.pop("scale", {})},
        "axis": axis,
        **more,
    }


def tips(**fields: str) -> list[Spec]:
    """Tooltip lines: field name to title. Texts were formatted where the facts were read."""
    return [{"field": field, "title": title} for field, title in fields.items()]


def intervals(rows: Rows, title: str, *, zero: bool = False, bar: float | None = None) -> Spec:
    """Values with their intervals, a line each.

    Args:
        rows: {name, kind, value, low, high, label} in the order shown.
        title: of the axis.
        zero: draw the line of no difference.
        bar: draw the line of what is worth having.
    """
    names = [row["name"] for row in rows]
    kinds = [kind for kind in KINDS if any(row.get("kind") == kind for row in rows)]
    place = [KINDS.index(kind) for kind in kinds]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": names,
        "axis": {"title": None, "ticks": False, "domain": False, "labelColor": "var(--ink)"},
    }
    tooltip = tips(name="candidate", label="value", kind="kind")
    ticks = {"tickCount": 6}
    colour = {"field": "kind", "type": "nominal", "scale": {"domain": kinds, "range": [COLOURS[i] for i in place]}}
    shape = {"field": "kind", "type": "nominal", "scale": {"domain": kinds, "range": [SHAPES[i] for i in place]}}
    legend = {"legend": {"title": None}} if len(kinds) > 1 else {"legend": None}
    layers: list[Spec] = [
        _line(at, dash) for at, dash in ((0.0 if zero else None, False), (bar or None, True)) if at is not None
    ]
    layers += [
        {"mark": {"type": "rule", "strokeWidth": 2.2}, "encoding": {
            "x": quantity("low", title, axis=ticks), "x2": {"field": "high"}, "y": y, "color": {**colour, **legend}, "tooltip": tooltip}},
        {"mark": {"type": "point", "size": 85, "opacity": 1}, "encoding": {
            "x": quantity("value", title, axis=ticks), "y": y, "color": {**colour, **legend}, "shape": {**shape, **legend}, "tooltip": tooltip}},
    ]  # fmt: skip
    return base(rows, 26 * max(1, len(set(names))) + 4, layer=layers)


def _line(at: float, dashed: bool) -> Spec:
    mark: Spec = {"type": "rule", "strokeDash": [5, 4] if dashed else [], "color": "var(--muted)", "strokeWidth": 1.2}
    return {"data": {"values": [{"at": at}]}, "mark": mark, "encoding": {"x": {"field": "at", "type": "quantitative"}}}


def curves(rows: Rows, x: str, y: str, *, height: int = 190, log: bool = False) -> Spec:
    """Lines of {x, y, line}; training and validation differ in colour and in dash."""
    lines = [name for name in ("training", "validation") if any(row["line"] == name for row in rows)] or ["loss"]
    colours = {"training": "var(--k-simple)", "validation": "var(--blue)", "loss": "var(--blue)"}
    scale = {"domain": lines, "range": [colours[line] for line in lines]}
    dash = {"domain": lines, "range": [[5, 3] if line == "training" else [1, 0] for line in lines]}
    legend = {"legend": {"title": None, "symbolType": "stroke"}} if len(lines) > 1 else {"legend": None}
    return base(rows, height, mark={"type": "line", "point": {"size": 14} if len(rows) < 90 else False}, encoding={
        "x": quantity("x", x, axis={"tickMinStep": 1, "tickCount": 8}), "y": quantity("y", y, axis={"tickCount": 5}, scale={"type": "log" if log else "linear"}),
        "color": {"field": "line", "type": "nominal", "scale": scale, **legend},
        "strokeDash": {"field": "line", "type": "nominal", "scale": dash, **legend},
        "tooltip": tips(x=x, label=y, line="rows"),
    })  # fmt: skip


def marked(spec: Spec, x: float) -> Spec:
    """Return a chart of one layer with an upright line at `x`."""
    drawn = {name: spec[name] for name in ("mark", "encoding")}
    rule = {
        "data": {"values": [{"at": x}]},
        "mark": {"type": "rule", "strokeDash": [4, 3]},
        "encoding": {"x": {"field": "at", "type": "quantitative"}},
    }
    return {**{name: part for name, part in spec.items() if name not in drawn}, "layer": [drawn, rule]}


def reliability(rows: Rows, shares: bool, units: str) -> Spec:
    """Predicted against observed by bins {predicted, observed, low, high, label}, with the line where both agree."""
    cells = [row for row in rows if row.get("predicted") is not None and row.get("observed") is not None]
    highs = [row["high"] if row.get("high") is not None else row["observed"] for row in cells]
    lows = [row["low"] if row.get("low") is not None else row["observed"] for row in cells]
    ends = (
        [0.0, 1.0]
        if shares
        else [
            min([*lows, *(r["predicted"] for r in cells)], default=0),
            max([*highs, *(r["predicted"] for r in cells)], default=1),
        ]
    )
    scale = {"domain": ends, "nice": not shares}
    x, y = (
        quantity("predicted", f"predicted {units}", scale=scale, axis={"tickCount": 6}),
        quantity("observed", f"observed {units}", scale=scale, axis={"tickCount": 6}),
    )
    tooltip = tips(label="bin", rows="rows")
    return base(cells, 280, layer=[
        _diagonal(ends),
        {"mark": {"type": "rule", "strokeWidth": 2, "color": "var(--blue)"}, "encoding": {
            "x": x, "y": quantity("low", f"observed {units}", scale=scale), "y2": {"field": "high"}, "tooltip": tooltip}},
        {"mark": {"type": "line", "color": "var(--blue)", "opacity": 0.45, "strokeWidth": 1.4}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "point", "color": "var(--blue)", "size": 60, "opacity": 1}, "encoding": {"x": x, "y": y, "tooltip": tooltip}},
    ])  # fmt: skip


def _diagonal(ends: Sequence[float]) -> Spec:
    return {
        "data": {"values": [{"a": end, "b": end} for end in ends]}, "mark": {"type": "line", "strokeDash": [5, 4], "color": "var(--muted)", "strokeWidth": 1.2},
        "encoding": {"x": {"field": "a", "type": "quantitative"}, "y": {"field": "b", "type": "quantitative"}},
    }  # fmt: skip


def against(rows: Rows, units: str) -> Spec:
    """Truth against prediction for single rows {truth, predicted, label}."""
    values = [row[name] for row in rows for name in ("truth", "predicted")]
    ends = [min(values, default=0.0), max(values, default=1.0)]
    return base(rows, 280, layer=[
        {"mark": {"type": "point", "size": 18, "opacity": 0.55, "color": "var(--blue)"}, "encoding": {
            "x": quantity("predicted", f"predicted {units}"), "y": quantity("truth", f"true {units}"), "tooltip": tips(label="row")}},
        _diagonal(ends),
    ])  # fmt: skip


def confusion(rows: Rows, labels: Sequence[str]) -> Spec:
    """Counts by true and predicted label {truth, predicted, n, shown, share, label}; shade is the share of the true label."""
    order = list(labels)
    x = {
        "field": "predicted",
        "type": "nominal",
        "sort": order,
        "axis": {
            "title": "predicted",
            "orient": "top",
            "labelAngle": 0 if len(order) < 5 else -90,  # aslant, the last one would end outside the picture
            "ticks": False,
            "domain": False,
        },
    }
    y = {"field": "truth", "type": "nominal", "sort": order, "axis": {"title": "true", "ticks": False, "domain": False}}
    tooltip = tips(truth="true", predicted="predicted", label="rows")
    layers: list[Spec] = [{
        "mark": {"type": "rect", "color": "var(--blue)", "stroke": "var(--line)"},
        "encoding": {"x": x, "y": y, "opacity": {"field": "share", "type": "quantitative", "scale": {"domain": [0, 1], "range": [0.03, 0.6]}, "legend": None}, "tooltip": tooltip},
    }]  # fmt: skip
    if len(order) <= 12:
        layers.append(
            {
                "mark": {"type": "text", "fontSize": 12},
                "encoding": {"x": x, "y": y, "text": {"field": "shown"}, "tooltip": tooltip},
            }
        )
    return base(rows, len(order) * (52 if len(order) <= 6 else 28 if len(order) <= 12 else 14), layer=layers)


def histogram(edges: Sequence[float], counts: Sequence[float], height: int = 96, title: str | None = None) -> Spec:
    """Bars between edges."""
    rows = [
        {"from": a, "to": b, "n": n, "label": f"{a:,.5g} to {b:,.5g}"}
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=False)
    ]
    return base(rows, height, mark={"type": "bar", "binSpacing": 0.5, "color": "var(--blue)", "opacity": 0.85}, encoding={
        "x": {"field": "from", "type": "quantitative", "bin": {"binned": True}, "scale": {"zero": False, "nice": False},
              "axis": {"title": title, "grid": False, "tickCount": 4, **SHORT, "labelOverlap": True}},
        "x2": {"field": "to"}, "y": quantity("n", None, True, axis={"tickCount": 3, **SHORT}), "tooltip": tips(label="range", n="rows"),
    })  # fmt: skip


def bars(rows: Rows, title: str | None, *, step: int = 18, units: str = "value", shares: bool = False) -> Spec:
    """Horizontal bars of {name, value, label} in the order given; `shares` marks the axis in percent."""
    return base(rows, step * max(1, len(rows)), mark={"type": "bar", "color": "var(--blue)", "opacity": 0.85, "height": {"band": 0.72}}, encoding={
        "x": quantity("value", title, True, axis={"tickCount": 4, **({"format": ".0%"} if shares else SHORT)}),
        "y": {"field": "name", "type": "nominal", "sort": [row["name"] for row in rows], "axis": {"title": None, "ticks": False, "domain": False, "labelColor": "var(--ink)"}},
        "tooltip": tips(name="name", label=units),
    })  # fmt: skip


def series(rows: Rows, height: int = 96) -> Spec:
    """Columns of {name, value} in the order given, for weekdays, hours and periods."""
    return base(rows, height, mark={"type": "bar", "opacity": 0.85}, encoding={
        "x": {"field": "name", "type": "ordinal", "sort": [row["name"] for row in rows], "axis": {"title": None, "labelOverlap": True, "labelAngle": 0}},
        "y": quantity("value", None, True, axis={"tickCount": 3, **SHORT}), "tooltip": tips(name="when", value="rows"),
    })  # fmt: skip


def search(rows: Rows, title: str) -> Spec:
    """Score over trials {trial, score, learner, stage, best, strength, label}, with the best so far as a stair."""
    learners = sorted({row["learner"] for row in rows})
    palette = [
        "var(--blue)",
        "var(--k-network)",
        "var(--k-ensemble)",
        "var(--k-simple)",
        "var(--k-user)",
        "var(--k-trivial)",
    ]
    shapes = ["circle", "triangle-up", "square", "diamond", "cross", "triangle-down"]
    colour = {
        "field": "learner",
        "type": "nominal",
        "scale": {"domain": learners, "range": [palette[i % 6] for i in range(len(learners))]},
    }
    shape = {
        "field": "learner",
        "type": "nominal",
        "scale": {"domain": learners, "range": [shapes[i % 6] for i in range(len(learners))]},
    }
    made = sorted({row["trial"] for row in rows})  # of few trials each is a tick: there is no trial 1.5
    x = quantity("trial", "trial", axis={"values": made} if len(made) <= 12 else {"tickMinStep": 1, "tickCount": 8})
    strength = {"field": "strength", "type": "quantitative", "scale": None, "legend": None}
    return base(rows, 240, layer=[
        {"transform": [{"filter": "isValid(datum.best)"}], "mark": {"type": "line", "interpolate": "step-after", "color": "var(--muted)", "strokeDash": [4, 3], "strokeWidth": 1.2}, "encoding": {"x": x, "y": quantity("best", title)}},
        {"mark": {"type": "point", "size": 70}, "encoding": {"x": x, "y": quantity("score", title), "color": colour, "shape": shape, "opacity": strength, "tooltip": tips(name="candidate", label="score", stage="stage")}},
    ])  # fmt: skip


def stairs(rows: Rows, x: str, y: str, height: int = 200) -> Spec:
    """Shares that rise in steps, {x, y, line}: colour and dash tell the lines apart."""
    lines = list(dict.fromkeys(row["line"] for row in rows))
    palette = [*COLOURS[1:], COLOURS[0]]
    colour = {"domain": lines, "range": [palette[i % len(palette)] for i in range(len(lines))]}
    dash = {"domain": lines, "range": [[[1, 0], [6, 3], [2, 2]][i // len(palette) % 3] for i in range(len(lines))]}
    legend = {"legend": {"title": None, "symbolType": "stroke"}}
    return base(rows, height, mark={"type": "line", "interpolate": "step-after"}, encoding={
        "x": quantity("x", x, True), "y": quantity("y", y, True, axis={"format": ".0%", "tickCount": 5}),
        "color": {"field": "line", "type": "nominal", "scale": colour, **legend},
        "strokeDash": {"field": "line", "type": "nominal", "scale": dash, **legend}, "tooltip": tips(line="event", x=x, y=y),
    })  # fmt: skip


def learning(seen: Rows, fitted: Rows, ends: Rows, title: str, height: int = 190) -> Spec:
    """A learning curve over rows on a logarithmic axis: points {x, y}, the fitted line {x, y}, bars {x, low, high} ahead."""
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False},
        "axis": {"title": "rows", **SHORT, "tickCount": 5},
    }
    y = quantity("y", title, axis={"tickCount": 5})
    return base([], height, layer=[
        {"data": {"values": list(fitted)}, "mark": {"type": "line", "color": "var(--muted)", "strokeDash": [5, 3]}, "encoding": {"x": x, "y": y}},
        {"data": {"values": list(ends)}, "mark": {"type": "rule", "color": "var(--muted)", "strokeWidth": 2}, "encoding": {
            "x": x, "y": quantity("low", title), "y2": {"field": "high"}}},
        {"data": {"values": list(seen)}, "mark": {"type": "point", "color": "var(--blue)", "opacity": 1}, "encoding": {
            "x": x, "y": y, "tooltip": tips(x="rows", y=title)}},
    ])  # fmt: skip


def over_time(
    rows: Rows, lines: Sequence[str], title: str, dashes: Sequence[str], *, log: bool = False, height: int = 190
) -> Spec:
    """Lines over time of {start, value, line, dash, label, when}: colour by line, dash by what is told of it."""
    y = quantity("value", title, not log, axis={"tickCount": 5})
    if log:
        y["scale"] = {"type": "log", "nice": False, "padding": 12}  # a logarithmic axis has no zero to speak of
    return base(rows, height, mark={"type": "line", "point": {"size": 22}}, encoding={
        "x": _time("start"), "y": y,
        "color": _lines(lines),
        "strokeDash": {"field": "dash", "type": "nominal", "scale": {"domain": list(dashes), "range": [[1, 0], [5, 3]]}, "legend": {"title": None, "symbolType": "stroke", "symbolStrokeColor": "var(--muted)"}},
        "tooltip": tips(when="from", line="arm", dash="what", label="time"),
    })  # fmt: skip


def stacked(rows: Rows, lines: Sequence[str], title: str, height: int = 150) -> Spec:
    """Blocks over time of {start, end, low, high, line, label, when}, one colour a line, on top of each other."""
    return base(rows, height, mark={"type": "rect", "opacity": 0.85}, encoding={
        "x": _time("start"), "x2": {"field": "end"}, "y": quantity("low", title, True, axis={"tickCount": 4, **SHORT}), "y2": {"field": "high"},
        "color": _lines(lines), "tooltip": tips(when="from", line="arm", label=title),
    })  # fmt: skip


def _time(field: str) -> Spec:
    axis = {"title": "time (UTC)", "tickCount": 6, "grid": False, "labelOverlap": True}
    return {"field": field, "type": "temporal", "scale": {"type": "utc", "nice": False}, "axis": axis}


def _lines(lines: Sequence[str]) -> Spec:
    palette = ["var(--blue)", *(COLOURS[KINDS.index(kind)] for kind in ("boosting", "ensemble", "user", "simple"))]
    scale = {"domain": list(lines), "range": [palette[i % len(palette)] for i in range(len(lines))]}
    return {"field": "line", "type": "nominal", "scale": scale, "legend": {"title": None}}


def tiles(rows: Rows, full: float) -> Spec:
    """Squares of {column, window, index, label, when}, darker the larger the index; darkest at three times `full`."""
    names = list(dict.fromkeys(row["column"] for row in rows))
    shade = {
        "field": "index",
        "type": "quantitative",
        "scale": {"domain": [0, 3 * full], "range": [0.04, 0.9], "clamp": True},
        "legend": None,
    }
    return base(rows, 20 * len(names), mark={"type": "rect", "color": "var(--blue)", "stroke": "var(--paper)", "strokeWidth": 2}, encoding={
        "x": {"field": "window", "type": "ordinal", "axis": {"title": "window", "labelAngle": 0, "ticks": False, "domain": False}},
        "y": {"field": "column", "type": "nominal", "sort": names, "axis": {"title": None, "ticks": False, "domain": False, "labelColor": "var(--ink)"}},
        "opacity": shade, "tooltip": tips(column="column", when="from", label="moved by"),
    })  # fmt: skip


def looks(rows: Rows, title: str, height: int = 190) -> Spec:
    """An effect at each look of {n, value, low, high, label, when}: the band holds at every look."""
    x = quantity("n", "units judged", axis={"tickCount": 6, **SHORT})
    return base(rows, height, layer=[
        {"data": {"values": [{"at": 0.0}]}, "mark": {"type": "rule", "color": "var(--muted)", "strokeWidth": 1.2}, "encoding": {"y": {"field": "at", "type": "quantitative"}}},
        {"mark": {"type": "area", "color": "var(--blue)", "opacity": 0.18}, "encoding": {"x": x, "y": quantity("low", title), "y2": {"field": "high"}}},
        {"mark": {"type": "line", "color": "var(--blue)"}, "encoding": {"x": x, "y": quantity("value", title)}},
        {"mark": {"type": "point", "color": "var(--blue)", "opacity": 1}, "encoding": {"x": x, "y": quantity("value", title), "tooltip": tips(when="at", n="units", label="difference")}},
    ])  # fmt: skip
