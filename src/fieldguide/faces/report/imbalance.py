"""Imbalance: the section of the page on rare classes, from its facts: what each remedy bought, and the cost curve.

Knows the facts of `imbalance` and of calibration in `finalize`; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import decimals_for, number, share, valued


def imbalance(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step imbalance."""
    entries = at(f, "remedies", default=[])
    if not entries:
        return []
    places = decimals_for([at(e, "gain", "over_the_threshold", "interval") for e in entries])
    rows = [
        [e.get("remedy"), number(e.get("average_precision"), 3),
         f"{number(at(e, 'calibration', 'before', 'log_loss'), 3)} → {number(at(e, 'calibration', 'after', 'log_loss'), 3)}",
         f"{number(at(e, 'calibration', 'before', 'error'), 3)} → {number(at(e, 'calibration', 'after', 'error'), 3)}",
         number(at(e, "at_a_half", "cost"), places), number(at(e, "at_the_threshold", "cost"), places),
         *[f"{share(at(e, 'at_the_threshold', name, 'value'))} {_shares(at(e, 'at_the_threshold', name, 'interval'))}" for name in ("recall", "precision")],
         valued(at(e, "gain", "over_the_threshold"), places, True)]
        for e in entries
    ]  # fmt: skip
    columns = [
        column("remedy"), column("average precision", True), column("log loss, calibrated", True), column("calibration error", True),
        column("cost a row at 0.5", True), column("at its threshold", True), column("recall", True), column("precision", True), column("gain beyond the threshold", True),
    ]  # fmt: skip
    costs = ", ".join(f"{name.replace('_', ' ')} {number(value)}" for name, value in at(f, "costs", default={}).items())
    note = (
        f"{at(f, 'candidate')} on {number(at(f, 'n'))} validation rows, {share(at(f, 'share'))} of them {at(f, 'labels', 1)!r}. Costs: {costs}"
        f"{'' if at(f, 'stated') else ' (none are stated: both labels weigh alike)'}. Thresholds and calibrators are learned without the unit they judge; "
        "gains are paired, with 95 % intervals."
    )
    points = [
        {"x": p["threshold"], "y": p["cost"], "line": e["remedy"]} for e in entries for p in at(e, "curve", default=[])
    ]
    said = "; ".join(
        f"{e.get('remedy')} least {number(min((p['cost'] for p in at(e, 'curve', default=[])), default=None))}"
        for e in entries
    )
    return [
        blocks.text(f"{str(at(f, 'sentence', default=''))[:1].upper()}{str(at(f, 'sentence', default=''))[1:]}."),
        blocks.table(columns, rows, caption="What each remedy bought", note=note),
        blocks.chart(cost_lines(points), "Cost a row at each threshold", said, note="Probabilities as each remedy gives them; where two curves have equal lows, they differ by their thresholds only."),
    ]  # fmt: skip


def _shares(interval: Any) -> str:
    low, high = at(interval, 0), at(interval, 1)
    return "" if low is None or high is None else f"[{share(low)}, {share(high)}]"


def cost_lines(rows: charts.Rows) -> charts.Spec:
    """Lines of {x, y, line}: cost against threshold, a colour and a dash each."""
    lines = list(dict.fromkeys(row["line"] for row in rows))
    palette = [*charts.COLOURS[1:], charts.COLOURS[0]]
    colour = {"domain": lines, "range": [palette[i % len(palette)] for i in range(len(lines))]}
    dash = {
        "domain": lines,
        "range": [[[1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [4, 4]][i % 5] for i in range(len(lines))],
    }
    legend = {"legend": {"title": None, "symbolType": "stroke"}}
    return charts.base(rows, 240, mark={"type": "line"}, encoding={
        "x": charts.quantity("x", "threshold", True), "y": charts.quantity("y", "cost a row", True, axis={"tickCount": 5}),
        "color": {"field": "line", "type": "nominal", "scale": colour, **legend},
        "strokeDash": {"field": "line", "type": "nominal", "scale": dash, **legend},
        "tooltip": charts.tips(line="remedy", x="threshold", y="cost a row"),
    })  # fmt: skip


def calibrators(f: Mapping[str, Any]) -> list[Block]:
    """What calibration was worth on validation rows, where the problem asked for it."""
    rows = [
        [c.get("output"), c.get("calibrator"), number(c.get("n")), *[
            f"{number(at(c, 'before', key), 3)} → {number(at(c, 'after', key), 3)}" for key in ("ratio", "error", "log_loss")
        ]]
        for c in at(f, "calibrators", default=[])
    ]  # fmt: skip
    columns = [
        column("output"),
        column("calibrator"),
        column("validation rows", True),
        column("ratio", True),
        column("error", True),
        column("log loss", True),
    ]
    note = "Each row corrected by a calibrator fitted without its unit; the shipped one is fitted on all of these rows. The sealed rows are judged with it inside."
    return [blocks.table(columns, rows, caption="Calibrated on validation predictions", note=note)] if rows else []
