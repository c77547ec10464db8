"""Failures: where the chosen answer goes wrong, as blocks: slices, calibration, confusion, cost at the threshold.

Knows test facts (after finalize) and validation facts (before), and says which of the two it shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts, outputs
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import ABSENT, decimals_for, number, plural, share, span
from fieldguide.faces.report.pictures import worst

MOST_LABELS = 30
WEIGHED = " A row counts as what it weighs, 1 on average."
ELSEWHERE = {
    "forecast": "Its errors step by step, series by series, and the worst forecast stand below, under finalize.",
    "clustering": "Which clusters are found again by another fit stands below, under finalize.",
    "reduction": "Which columns the map loses stands below, under finalize.",
}
"""Where a task that has no calibration tells where it fails."""
_RATIO = "Ratio: sum of predictions / sum of labels; 1 is right on average, 1.2 promises a fifth too much."
_SURE = " Of all labels together: mean confidence / share of right answers."
HOLDS = {True: "yes", False: "no", None: "cannot be told"}


def failures(r: Recorded) -> list[Block]:
    """Where does it fail?"""
    final = r.facts("finalize")
    source = final or r.entry(r.chosen)
    if not source:
        return [blocks.text("No candidate has been judged yet: run baseline.")]
    rows = "sealed test rows" if final else "validation rows"
    found = [
        blocks.text(
            f"Judged on {number(at(source, 'scores', 0, 'n'))} {rows}."
            + ("" if final else " Slices, confusion and cost are judged once, in finalize.")
        )
    ]
    pair = [drawing for drawing in (_calibration(r, source, rows), _confusion(r, final)) if drawing]
    found += [blocks.grid(pair)] if len(pair) > 1 else pair
    if any(one.get("ratio") is not None for one in at(source, "calibration", default=[])):
        found.append(_ratios(r, source))
    elif not pair:
        found.append(blocks.text(ELSEWHERE.get(str(at(r.output, "task")), "No calibration was recorded.")))
    found += outputs.each(r, final)
    if final:
        found += _slices(r, final)
    found += _weak(r, final)
    found += worst(r.facts("refine"))
    if final:
        found += _cost(r, final)
    return found


def _calibration(r: Recorded, source: Mapping[str, Any], rows: str) -> Block | None:
    bins = at(source, "calibration", 0, "bins", default=[])
    if not bins:
        return None
    labels = at(r.output, "labels", default=[])
    shares = bool(labels) or at(r.output, "task") in ("binary", "multiclass")
    points = [
        {
            **b,
            "label": f"predicted {number(b.get('predicted'))}, observed {number(b.get('observed'))} {span([b.get('low'), b.get('high')])}",
            "rows": number(b.get("n")),
        }
        for b in bins
    ]
    units = (
        f"share of {labels[1]}"
        if len(labels) == 2
        else "confidence"
        if shares
        else str(at(r.output, "name", default="value"))
    )
    return blocks.chart(
        charts.reliability(points, shares, units), "Reliability: do predictions come true?", "; ".join(p["label"] for p in points),
        note=f"Bins of equal size, {rows}, 95 % intervals. On the dashed line what is predicted happens.", wide=False,
    )  # fmt: skip


def _confusion(r: Recorded, final: Mapping[str, Any]) -> Block | None:
    drawn = at(final, "predictions")
    if not drawn:
        return None
    if "confusion" not in drawn:
        points = [
            {"truth": t, "predicted": p, "label": f"true {number(t)}, predicted {number(p)}"}
            for t, p in zip(drawn.get("truth", []), drawn.get("predicted", []), strict=False)
        ]
        name = str(at(r.output, "name", default=""))
        return blocks.chart(
            charts.against(points, name),
            "Truth against prediction",
            f"{plural(len(points), 'row')}",
            note=f"{plural(len(points), 'sealed row')}, evenly drawn. On the dashed line the prediction is right.",
            wide=False,
        )
    labels, table = [str(x) for x in drawn["labels"]], drawn["confusion"]
    total = sum(map(sum, table)) or 1
    cells = [
        {"truth": labels[i], "predicted": labels[j], "n": number(n), "shown": _short(n), "share": n / max(1, sum(line)), "label": f"{number(n)} ({share(n / max(1, sum(line)))} of the true {labels[i]})"}
        for i, line in enumerate(table[:MOST_LABELS]) for j, n in enumerate(line[:MOST_LABELS])
    ]  # fmt: skip
    right = sum(table[i][i] for i in range(len(table))) / total
    how = _decided(drawn, str(at(r.output, "task", default="")))
    note = f"{share(right)} decided right, {how}.{WEIGHED if r.weighted == 'weighted ' else ''}" + (
        f" {MOST_LABELS} of {len(labels)} labels shown." if len(labels) > MOST_LABELS else ""
    )
    return blocks.chart(
        charts.confusion(cells, labels[:MOST_LABELS]),
        "Confusion: true against decided",
        "; ".join(f"true {c['truth']}, predicted {c['predicted']}: {c['n']}" for c in cells[:40]),
        note=note,
        wide=False,
    )


def _short(n: float) -> str:
    """A count as it fits into a cell; weights are no whole numbers."""
    return f"{n:,.0f}" if n >= 10 or n == round(n) else f"{n:.1f}"


def _decided(drawn: Mapping[str, Any], task: str) -> str:
    if drawn.get("threshold") is not None:
        return f"at the threshold {number(drawn['threshold'])}"
    return "at the median level" if task == "ordinal" else "at the most probable label"


def _ratios(r: Recorded, source: Mapping[str, Any]) -> Block:
    rows = []
    for c in at(source, "calibration", default=[]):
        rows.append(
            [c.get("output"), "all", number(c.get("ratio"), 3), span(c.get("interval"), 3), number(c.get("error"))]
        )
        ratios, labels = at(c, "ratios", default={}), [str(x) for x in at(r.output, "labels", default=())]
        # In the order of the labels: levels stand from the lowest to the highest.
        ranked = sorted(ratios, key=lambda label: labels.index(label) if label in labels else len(labels))
        rows += [[c.get("output"), label, number(ratios[label], 3), ABSENT, ABSENT] for label in ranked]
    columns = [
        column("output"),
        column("label"),
        column("ratio", True),
        column("95 % interval", True),
        column("calibration error", True),
    ]
    return blocks.table(
        columns,
        rows,
        caption="Calibration",
        note=_RATIO + (_SURE if at(r.output, "task") in ("multiclass", "ordinal") else ""),
        most=12,
    )


def _slices(r: Recorded, final: Mapping[str, Any]) -> list[Block]:
    every = [s for s in at(final, "slices", default=[]) if "name" in s]
    gap = next((s["gap"] for s in at(final, "slices", default=[]) if "gap" in s), None)
    if not every:
        return [
            blocks.heading("Slices"),
            blocks.text("No slice was declared (slices in study.yaml): only those that a search finds are judged."),
        ]
    places = decimals_for([s.get("interval") for s in every])
    rows = [
        [s["name"], number(s.get("n")), number(s.get("value"), places) if not s.get("silence") else ABSENT, span(s.get("interval"), places),
         number(s.get("ratio"), 3), span(s.get("ratio_interval"), 3), s.get("silence") or ""]
        for s in every
    ]  # fmt: skip
    columns = [
        column("slice"),
        column("n", True),
        column(r.title, True),
        column("95 % interval", True),
        column("calibration ratio", True),
        column("its interval", True),
        column("why nothing is said"),
    ]
    if not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    points = [
        {"name": s["name"], "kind": "simple", "value": s["value"], "low": at(s, "interval", 0), "high": at(s, "interval", 1), "label": f"{number(s['value'], places)} {span(s.get('interval'), places)}"}
        for s in every if not s.get("silence") and s.get("value") is not None
    ]  # fmt: skip
    found: list[Block] = [blocks.heading("Slices")]
    if points:
        found.append(
            blocks.chart(
                charts.intervals(points[:30], f"test {r.title}"),
                f"{r.title} by slice",
                "; ".join(f"{p['name']} {p['label']}" for p in points),
            )
        )
    note = ""
    if gap:
        note = f"Best {gap.get('best')}, worst {gap.get('worst')}: {number(at(gap, 'difference', 'value', default=at(gap, 'value')), places)} {span(at(gap, 'difference', 'interval', default=at(gap, 'interval')), places)} apart; picked for being extreme, so the gap is flattered."
    found.append(blocks.table(columns, rows, note=note))
    return found


def _weak(r: Recorded, final: Mapping[str, Any]) -> list[Block]:
    """Slices that were found by a search on validation rows, and how they did on sealed rows."""
    found = at(r.facts("refine"), "weak_slices", default={})
    if not found:
        return []
    title = blocks.heading("Weak slices that were found")
    if at(found, "silence"):
        return [title, blocks.text(f"Not searched: {found['silence']}.")]
    searched = f"{number(at(found, 'n_searched'))} slices were searched on one half of the validation rows, {number(at(found, 'n_tested'))} tested on the other"
    parts = at(found, "slices", default=[])
    if not parts:
        return [title, blocks.text(f"None. {searched}, the false discovery rate held at 5 %.")]
    several = (
        any(s.get("output") not in (None, r.output.get("name")) for s in parts)
        or len(at(found, "wholes", default={})) > 1
    )
    sealed = {(s.get("output"), s.get("name")): s for s in at(final, "weak_slices", default=[])}
    places = decimals_for([s.get("interval") for s in parts])
    rows = []
    for s in parts:
        again = sealed.get((s.get("output"), s.get("name")), {})
        rows.append([
            *([s.get("output")] if several else []), s.get("name"), number(s.get("n")), f"{number(s.get('value'), places)} {span(s.get('interval'), places)}",
            number(s.get("promised"), places), f"{number(at(s, 'gap', 'value'), places)} {span(at(s, 'gap', 'interval'), places)}",
            f"{number(at(s, 'bias', 'value'), places)} {span(at(s, 'bias', 'interval'), places)}",
            f"{number(s.get('ratio'), 3)} {span(s.get('ratio_interval'), 3)}" if s.get("ratio") is not None else ABSENT,
            *([number(again.get("n")), f"{number(again.get('value'), places)} {span(again.get('interval'), places)}", HOLDS[at(again, "holds")]] if sealed else []),
        ])  # fmt: skip
    title_of = "its metric" if several else r.title
    columns = [
        *([column("output")] if several else []), column("slice"), column("n", True), column(title_of, True), column("promised", True), column("worse than the rest by", True), column("mean error", True), column("calibration ratio", True),
        *([column("sealed n", True), column(f"sealed {title_of}", True), column("weak there too")] if sealed else []),
    ]  # fmt: skip
    note = (
        f"{searched}; figures are of that half, with intervals at {share(at(found, 'level'), 1)}. Promised: the score if each "
        "probability came true as often as it says; a slice as bad as promised is hard, not wrong."
    )
    return [title, blocks.table(columns, rows, note=note)]


def _cost(r: Recorded, final: Mapping[str, Any]) -> list[Block]:
    cost = at(final, "cost")
    if not cost:
        words = "No costs of errors were stated (problem.costs), so no cost at a threshold can be shown."
        return [blocks.heading("Cost"), blocks.text(words)] if at(r.output, "task") == "binary" else []
    return [blocks.heading("Cost at the threshold"), blocks.facts([
        ("Threshold (frozen before the seal was opened)", number(cost.get("threshold"), 4)), ("False positives", number(cost.get("false_positives"))),
        ("False negatives", number(cost.get("false_negatives"))), ("Cost in total", number(cost.get("total"))), ("Cost a row", number(cost.get("per_row"))),
        ("Rows", f"{number(cost.get('n'))}{'.' + WEIGHED if r.weighted == 'weighted ' else ''}"),
    ])]  # fmt: skip
