"""Forecasts: series as they were, and forecasts with their intervals against the truth.

Knows the facts that explore and finalize give of series; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import at
from fieldguide.faces.report.figures import number, plural, share, span

LINES = {"past": "var(--muted)", "truth": "var(--ink)", "forecast": "var(--blue)"}


def series(f: Mapping[str, Any]) -> list[Block]:
    """Return what explore says of series: the step, gaps, seasons, level shifts, and lines."""
    told = at(f, "series")
    if not told:
        return []
    seasons = ", ".join(f"{lag} steps {number(value, 2)}" for lag, value in at(told, "seasons", default={}).items())
    found: list[Block] = [
        blocks.heading("Series"),
        blocks.facts([
            ("Series", number(at(told, "n_series"))), ("Step", at(told, "frequency", "words")), ("Looked at until", at(told, "until")),
            ("Horizon", plural(at(told, "horizon", default=0), "step")), ("Window", plural(at(told, "window", default=0), "step")),
            ("Season", plural(at(told, "season", default=1), "step")), ("Correlation a season apart", seasons),
            ("Missing steps", f"{number(at(told, 'n_missing'))} in {plural(at(told, 'n_gaps', default=0), 'gap')}"),
            ("Independent targets sealed", number(at(told, "independent_targets", "test"))), ("Judged on the scale", at(told, "scale")),
        ]),
    ]  # fmt: skip
    drawn = []
    shifts = {one["series"]: one["shift"] for one in at(told, "described", default=[]) if one.get("shift")}
    for line in at(told, "lines", default=[]):
        rows = [{"time": point["time"], "value": point["value"]} for point in line["points"]]
        shift = shifts.get(line["series"])
        note = f"means of {line['steps_a_point']} steps" if line["steps_a_point"] > 1 else "every step"
        if shift:
            note += f"; the level shifts from {number(shift['before'])} to {number(shift['after'])} at {shift['at']}"
        drawn.append(
            blocks.chart(_line(rows, shift), line["series"], f"{line['series']}: {note}", note=note, wide=False)
        )
    if drawn:
        found.append(blocks.grid(drawn))
    gaps = [[gap["series"], gap["from"], number(gap["steps"])] for gap in at(told, "gaps", default=[])]
    if gaps:
        found.append(
            blocks.details(
                "The longest gaps", [blocks.table([column("series"), column("from"), column("steps", True)], gaps)]
            )
        )
    return found


def forecasts(f: Mapping[str, Any]) -> list[Block]:
    """Return what finalize says of forecasts: lines against the truth, errors by step and by series, coverage."""
    told = at(f, "forecasts")
    if not told:
        return []
    covered, gain = at(told, "coverage"), at(told, "against_repeat")
    better = number(gain["gain"], 4, True)
    found: list[Block] = [
        blocks.heading("Forecasts against the truth"),
        blocks.facts([
            ("Against repeating the last value", f"error {number(gain['error'])} against {number(gain['repeat'])}: better by {better} {span(gain['interval'])}"),
            (f"Within the {share(covered['level'], 0)} interval", f"{share(covered['share'])} of {number(covered['n'])} values {span(covered['interval'], 3)}"),
        ]),
    ]  # fmt: skip
    drawn = []
    for line in told["lines"]:
        title = f"{line['series']} from {line['origin'][:16].replace('T', ' ')}" + (
            " (the worst forecast)" if line["why"] == "worst" else ""
        )
        note = "the worst of all examples" if line["why"] == "worst" else "the middle one of the series by its error"
        drawn.append(
            blocks.chart(
                _forecast(line), title, f"{title}: past, truth and forecast with its interval", note=note, wide=False
            )
        )
    found.append(blocks.grid(drawn))
    steps = told["by_step"]
    rows = [
        {"step": step["step"], "value": step[name], "line": word, "label": number(step[name]), "low": low, "high": high}
        for step in steps
        for name, word, (low, high) in (
            ("error", "forecast", step["interval"]),
            ("repeat", "last value repeated", (None, None)),
        )
    ]
    if len(steps) > 1:
        found.append(blocks.chart(
            _steps(rows), "Error by step of the horizon", "; ".join(f"step {s['step']}: {number(s['error'])}" for s in steps[:: max(1, len(steps) // 8)]),
            note="Mean absolute error on the sealed examples, on the scale that is judged; the band is its 95 % interval over whole horizons.",
        ))  # fmt: skip
    table = [
        [
            one["series"],
            number(one["n"]),
            number(one["error"]),
            number(one["repeat"]),
            number(one["ratio"], 3),
            number(one["error_in_unit"]),
        ]
        for one in told["by_series"]
    ]
    if len(table) > 1:
        columns = [
            column("series"),
            column("examples", True),
            column("error", True),
            column("last value repeated", True),
            column("ratio", True),
            column("error in its unit", True),
        ]
        found.append(blocks.table(columns, table, caption="Errors by series, the worst against repeating first"))
    return found


def _time(title: str | None = None) -> dict[str, Any]:
    return {"field": "time", "type": "temporal", "axis": {"title": title, "tickCount": 5, "grid": False}}


def _line(rows: list[dict[str, Any]], shift: Mapping[str, Any] | None) -> charts.Spec:
    y = charts.quantity("value", None, axis={"tickCount": 4})
    layers: list[charts.Spec] = [
        {"mark": {"type": "line", "color": "var(--blue)", "strokeWidth": 1.2}, "encoding": {"x": _time(), "y": y}}
    ]
    if shift:
        rule = {
            "mark": {"type": "rule", "color": "var(--k-boosting)", "strokeDash": [4, 3]},
            "encoding": {"x": {"field": "at", "type": "temporal"}},
        }
        layers.append({"data": {"values": [{"at": shift["at"]}]}, **rule})
    return charts.base(rows, 110, layer=layers)


def _forecast(line: Mapping[str, Any]) -> charts.Spec:
    n = len(line["past"])
    rows = [
        {"time": time, "value": value, "line": "past"}
        for time, value in zip(line["times"][:n], line["past"], strict=True)
    ]
    coming = line["times"][n:]
    joint = [(line["times"][n - 1], line["past"][-1])]
    for name in ("truth", "forecast"):
        rows += [
            {"time": time, "value": value, "line": name}
            for time, value in [*joint, *zip(coming, line[name], strict=True)]
        ]
    band = [
        {"time": time, "low": low, "high": high}
        for time, low, high in zip(coming, line["low"], line["high"], strict=True)
    ]
    colour = {
        "field": "line",
        "type": "nominal",
        "scale": {"domain": list(LINES), "range": list(LINES.values())},
        "legend": {"title": None, "symbolType": "stroke"},
    }
    y = charts.quantity("value", None, axis={"tickCount": 4})
    return charts.base(rows, 170, layer=[
        {"data": {"values": band}, "mark": {"type": "area", "color": "var(--blue)", "opacity": 0.18},
         "encoding": {"x": _time(), "y": charts.quantity("low", None, axis={"tickCount": 4}), "y2": {"field": "high"}}},
        {"mark": {"type": "line", "strokeWidth": 1.6}, "encoding": {"x": _time(), "y": y, "color": colour}},
    ])  # fmt: skip


def _steps(rows: list[dict[str, Any]]) -> charts.Spec:
    x = charts.quantity("step", "step of the horizon", axis={"tickMinStep": 1, "tickCount": 8})
    names = ["forecast", "last value repeated"]
    colour = {
        "field": "line",
        "type": "nominal",
        "scale": {"domain": names, "range": ["var(--blue)", "var(--k-trivial)"]},
        "legend": {"title": None, "symbolType": "stroke"},
    }
    band = [row for row in rows if row["low"] is not None]
    return charts.base(rows, 190, layer=[
        {"data": {"values": band}, "mark": {"type": "area", "color": "var(--blue)", "opacity": 0.18},
         "encoding": {"x": x, "y": charts.quantity("low", "mean absolute error", zero=True), "y2": {"field": "high"}}},
        {"mark": {"type": "line"}, "encoding": {
            "x": x, "y": charts.quantity("value", "mean absolute error", zero=True), "color": colour, "tooltip": charts.tips(line="of", step="step", label="error")}},
    ])  # fmt: skip
