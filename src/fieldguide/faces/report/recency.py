"""Recency: the section of the page on how the answer ages, from its facts: the decay curve, and what retraining costs.

Knows the facts of `recency`; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import decimals_for, number, span


def recency(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step recency."""
    if at(f, "silence"):
        return [blocks.text(f"Nothing can be said of ageing: {f['silence']}.")]
    title, period = str(at(f, "title", default="score")), str(at(f, "period", default="period"))
    sign = -1.0 if at(f, "greater_is_better") else 1.0
    points = []
    for p in at(f, "curve", default=[]):
        low, high = at(p, "interval", 0), at(p, "interval", 1)
        if p.get("score") is None or low is None or high is None:
            continue
        fresh = p["score"] - sign * p["value"]
        ends = sorted((fresh + sign * low, fresh + sign * high))
        points.append({"age": p["age"], "score": p["score"], "low": ends[0], "high": ends[1], "label": f"{number(p['score'])} {span(ends)}"})  # fmt: skip
    found: list[Block] = []
    if points:
        found.append(
            blocks.chart(
                decay(points, period, title),
                "The score against the age of the model",
                "; ".join(f"{p['age']}: {p['label']}" for p in points),
                note=f"{at(f, 'candidate')}, trained on equally many rows each time; age 1 is the first {period} after training. "
                f"Differences to the freshest model on the same {period}, averaged over {number(at(f, 'n_starts'))} starting points; 95 % intervals.",
            )
        )
    plans = at(f, "schedules", default=[])
    places = decimals_for([at(p, part, "interval") for p in plans[1:] for part in ("sliding", "growing")])
    rows = [
        [p.get("name"), number(p.get("every")),
         *[f"{number(at(p, part, 'value'), places)} {span(at(p, part, 'interval'), places)}" if i else number(0.0) for part in ("growing", "sliding")]]
        for i, p in enumerate(plans)
    ]  # fmt: skip
    chosen = [i for i, p in enumerate(plans) if p.get("name") == at(f, "recommended")]
    columns = [
        column("retrain"), column(f"every … {period}s", True), column(f"loss in {title}, all rows so far", True), column("loss, latest rows only", True)
    ]  # fmt: skip
    note = f"Against retraining every {period}. Recommended: {at(f, 'recommended')}. {_capital(str(at(f, 'why', default='')))}."
    found.append(blocks.table(columns, rows, caption="What retraining less often costs", note=note, emphasis=chosen))
    return found


def decay(rows: charts.Rows, period: str, title: str) -> charts.Spec:
    """A line of {age, score, low, high, label} with its band."""
    x = charts.quantity("age", f"age of the model [{period}s]", axis={"tickMinStep": 1, "tickCount": 10})
    tooltip = charts.tips(age="age", label=title)
    return charts.base(rows, 220, layer=[
        {"mark": {"type": "area", "color": "var(--blue)", "opacity": 0.18}, "encoding": {"x": x, "y": charts.quantity("low", title), "y2": {"field": "high"}}},
        {"mark": {"type": "line", "color": "var(--blue)"}, "encoding": {"x": x, "y": charts.quantity("score", title)}},
        {"mark": {"type": "point", "color": "var(--blue)", "opacity": 1}, "encoding": {"x": x, "y": charts.quantity("score", title), "tooltip": tooltip}},
    ])  # fmt: skip


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
