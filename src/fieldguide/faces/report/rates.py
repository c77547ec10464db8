"""Rates: the section of the page on learning rates, from the facts of the range test.

Knows the facts of `rates`; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import number


def rates(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step rates: a chart of loss against rate for each network."""
    drawn = []
    for name, test in at(f, "networks", default={}).items():
        rows = [
            {"x": p["rate"], "y": p["smoothed"], "label": number(p["smoothed"])} for p in at(test, "curve", default=[])
        ]
        if len(rows) < 2:
            continue
        marks = [
            {"at": test[key], "what": words}
            for key, words in (("now", "now"), ("suggested", "suggested"))
            if test.get(key) is not None
        ]
        said = f"suggested {number(at(test, 'suggested'))}, now {number(at(test, 'now'))}"
        title = f"{name}: loss against learning rate ({at(test, 'optimiser')})"
        drawn.append(blocks.chart(rising(rows, marks), title, said, note=f"{at(test, 'sentence')}.", wide=False))
    return [blocks.grid(drawn)] if drawn else []


def rising(rows: charts.Rows, marks: charts.Rows) -> charts.Spec:
    """A line of {x, y, label} on a logarithmic axis, with marked rates {at, what}."""
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False},
        "axis": {"title": "learning rate", "format": "~e", "tickCount": 6},
    }
    place = {"field": "at", "type": "quantitative", "scale": {"type": "log", "nice": False}}
    return charts.base([], 190, layer=[
        {"data": {"values": [dict(row) for row in rows]}, "mark": {"type": "line", "color": "var(--blue)"}, "encoding": {
            "x": x, "y": charts.quantity("y", "loss, smoothed", axis={"tickCount": 5}), "tooltip": charts.tips(x="rate", label="loss")}},
        {"data": {"values": [dict(mark) for mark in marks]}, "mark": {"type": "rule", "strokeDash": [5, 4], "color": "var(--muted)"}, "encoding": {
            "x": place, "tooltip": charts.tips(what="rate", at="value")}},
        {"data": {"values": [dict(mark) for mark in marks]}, "mark": {"type": "text", "align": "left", "dx": 3, "baseline": "top", "y": 2}, "encoding": {
            "x": place, "text": {"field": "what"}}},
    ])  # fmt: skip
