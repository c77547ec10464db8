"""Derived: what each derived column saves in rows, from the facts of explore: learning curves with it and without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.core.errors import listed
from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import at
from fieldguide.faces.report.figures import number, share


def derived(f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the derived columns; none where there are none."""
    found = at(f, "derived", "columns", default=[])
    if not found:
        return []
    rows = [
        [c.get("column"), c.get("expression"), number(c.get("rows_with")), number(c.get("rows_without")), f"{share(c.get('saves'), 0)} {_shares(c.get('interval'))}"]
        for c in found
    ]  # fmt: skip
    columns = [
        column("derived column"), column("expression"), column("with it, rows", True), column("reach what took without it", True), column("it saves", True)
    ]  # fmt: skip
    title = str(at(f, "derived", "title", default="score"))
    drawn = [_drawn(c, title, at(f, "derived", "sizes", default=[])) for c in found]
    note = (
        "A quick boosting on growing parts of the development rows, with and without the column, judged on rows held out; 95 % "
        "intervals over repeats. Negative: the column costs rows."
    )
    left_out = at(f, "derived", "left_out", default=[])
    if left_out:
        note += (
            f" {len(found)} of {len(found) + len(left_out)} derived columns were tried; left out: {listed(left_out)}."
        )
    return [blocks.heading("What derived columns save"), blocks.grid(drawn), blocks.table(columns, rows, note=note)]


def _drawn(c: Mapping[str, Any], title: str, sizes: list[int]) -> Block:
    rows = [
        {"rows": n, "score": y, "line": line, "label": number(y)}
        for line in ("with", "without") for n, y in zip(sizes, at(c, line, default=[]), strict=False) if y is not None
    ]  # fmt: skip
    scale = {"domain": ["with", "without"], "range": ["var(--blue)", "var(--k-simple)"]}
    dash = {"domain": ["with", "without"], "range": [[1, 0], [5, 3]]}
    legend = {"legend": {"title": None, "symbolType": "stroke"}}
    spec = charts.base(rows, 170, mark={"type": "line", "point": {"size": 16}}, encoding={
        "x": charts.quantity("rows", "rows learned from", scale={"type": "log"}, axis={"tickCount": 4}), "y": charts.quantity("score", title),
        "color": {"field": "line", "type": "nominal", "scale": scale, **legend}, "strokeDash": {"field": "line", "type": "nominal", "scale": dash, **legend},
        "tooltip": charts.tips(rows="rows", label=title, line="column"),
    })  # fmt: skip
    return blocks.chart(
        spec, str(c.get("column")), "; ".join(f"{r['line']} {r['rows']}: {r['label']}" for r in rows), wide=False
    )


def _shares(interval: Any) -> str:
    low, high = (interval or [None, None])[:2]
    return "" if low is None or high is None else f"[{share(low, 0)}, {share(high, 0)}]"
