"""Intervals: the section of the page on quantile intervals, from its facts: what they cover, and some of them.

Knows the facts of `intervals`; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import number, share


def intervals(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step intervals."""
    stages = [
        (words, at(f, key)) for key, words in (("before", "as learned"), ("after", "conformalised")) if at(f, key)
    ]
    if not stages:
        return []
    rows = [
        [words, f"{share(s.get('coverage'))} [{share(at(s, 'interval', 0))}, {share(at(s, 'interval', 1))}]", share(s.get("below")), share(s.get("above")),
         number(s.get("median_width")), number(s.get("mean_width"))]
        for words, s in stages
    ]  # fmt: skip
    columns = [
        column("intervals"), column("cover", True), column("truth below", True), column("above", True), column("median width", True), column("mean width", True)
    ]  # fmt: skip
    note = (
        f"{at(f, 'candidate')} at the quantiles {', '.join(number(q) for q in at(f, 'quantiles', default=[]))}, {number(at(f, 'n'))} validation rows; "
        f"{share(at(f, 'crossed'))} of the pairs crossed and were swapped. Conformalised: widened by what the other units' rows ask for."
    )
    examples = sorted(at(f, "examples", default=[]), key=lambda e: e["low"])
    drawn = [
        {"i": i + 1, **e, "label": f"{number(e['truth'])} in {number(e['low'])} to {number(e['high'])}"}
        for i, e in enumerate(examples)
    ]
    return [
        blocks.table(columns, rows, caption=f"What intervals for {share(at(f, 'level'))} cover", note=note),
        blocks.chart(
            bands(drawn),
            "Some validation rows",
            f"{len(drawn)} intervals with their truths",
            note="Sorted by the low end.",
        ),
    ]


def bands(rows: charts.Rows) -> charts.Spec:
    """Intervals {i, low, high} with the truth {truth, label} as a point."""
    x = charts.quantity("i", "validation row", axis={"tickMinStep": 1})
    tooltip = charts.tips(label="truth")
    return charts.base(rows, 220, layer=[
        {"mark": {"type": "rule", "color": "var(--blue)", "opacity": 0.5, "strokeWidth": 2}, "encoding": {
            "x": x, "y": charts.quantity("low", "value"), "y2": {"field": "high"}, "tooltip": tooltip}},
        {"mark": {"type": "point", "size": 22, "color": "var(--ink)", "opacity": 1}, "encoding": {"x": x, "y": charts.quantity("truth", "value"), "tooltip": tooltip}},
    ])  # fmt: skip
