"""The question on the page: the problem statement, the proxies side by side, and the assumptions with their tests.

Knows the facts of frame and explore that `statement`, `proxies` and `assumptions` are; a fact that is not there leaves its
block out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import at
from fieldguide.faces.report.figures import ABSENT, number, share, span


def statement(entries: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The problem statement: what is known, who should answer the rest."""
    if not entries:
        return []
    rows = [
        [
            e.get("entry"),
            e.get("value") or ABSENT,
            e.get("status"),
            e.get("who"),
            blocks.whole("" if e.get("status") == "answered" else e.get("question")),
        ]
        for e in entries
    ]
    columns = [column(name) for name in ("entry", "value", "status", "who answers", "question")]
    n_open = sum(e.get("status") == "open" for e in entries)
    n_guessed = sum(e.get("status") == "guessed" for e in entries)
    note = f"{len(rows) - n_open - n_guessed} answered, {n_guessed} guessed, {n_open} open."
    loud = [i for i, e in enumerate(entries) if e.get("status") == "open"]
    return [blocks.table(columns, rows, caption="The problem statement", note=note, emphasis=loud)]


def proxies(facts: Mapping[str, Any] | None) -> list[Block]:
    """All candidates in one table, with the recommendation and its rule, the delay curves, and what variants change."""
    if not facts:
        return []
    found: list[Block] = [blocks.heading("Proxies"), blocks.text(str(at(facts, "sentence", default="")))]
    candidates = at(facts, "candidates", default=[])
    columns = [
        column("candidate"), column("definition"), column("rows known", True), column("positives", True), column("smallest rise shown", True),
        column("90 % there after", True), column("predicted", True), column("p", True), column("ranks the outcome", True), column("goes with it", True),
    ]  # fmt: skip
    rows = [_candidate(c) for c in candidates]
    chosen = [i for i, c in enumerate(candidates) if c.get("name") == facts.get("recommended")]
    found.append(
        blocks.table(
            columns, rows, caption="Candidates side by side", note=str(at(facts, "rule", default="")), emphasis=chosen
        )
    )
    points = [
        {"x": p["wait"], "y": p["arrived"] / last, "line": c["name"]}
        for c in candidates
        for curve in [at(c, "delay", "row", "curve", default=[])]
        for last in [max((q["arrived"] for q in curve), default=1) or 1]
        for p in curve
    ]
    if points:
        unit = next(at(c, "delay", "row", "unit", default="") for c in candidates if at(c, "delay", "row", "curve"))
        said = "; ".join(
            f"{c['name']} 90 % after {number(at(c, 'delay', 'row', 'p90'))} {unit}"
            for c in candidates
            if at(c, "delay", "row")
        )
        found.append(blocks.chart(charts.stairs(points, f"wait [{unit}]", "share arrived"), "How long events take", said,
            note="Kaplan–Meier, as a share of those that come: rows that still wait count as waiting."))  # fmt: skip
    moved = [(c["name"], v) for c in candidates for v in at(c, "variants", default=[])]
    if moved:
        found.append(_variants(moved))
    return found


def _candidate(c: Mapping[str, Any]) -> list[Any]:
    wait, test, outcome = (
        at(c, "delay", "row", default={}),
        at(c, "predictability", default={}),
        at(c, "outcome_score", default={}),
    )
    rise = c.get("smallest_relative")
    return [
        f"{c.get('name')}{' (learned)' if c.get('learned') else ''}", c.get("event"), number(c.get("n_known")), number(c.get("positives")),
        ABSENT if rise is None else f"+{share(rise)}", f"{number(wait['p90'])} {wait['unit']}" if wait.get("p90") is not None else ABSENT,
        number(test.get("score"), 3), number(test.get("p"), 3),
        f"{number(outcome['value'], 3)} {span(outcome['interval'], 3)}" if outcome else ABSENT, number(at(c, "agreement", "correlation"), 2),
    ]  # fmt: skip


def _variants(moved: Sequence[tuple[str, Mapping[str, Any]]]) -> Block:
    rows = [
        [name, v.get("event"), number(v.get("positives")), number(v.get("spearman"), 3), number(v.get("kendall"), 3), number(at(v, "noise", "spearman"), 3),
         share(v.get("flips")), f"{number(v['outcome_difference'], 3)} {span(v['outcome_interval'], 3)}" if "outcome_difference" in v else ABSENT,
         f"{number(v['cost_difference'], 3)} {span(v['cost_interval'], 3)}" if "cost_difference" in v else ABSENT]
        for name, v in moved
    ]  # fmt: skip
    columns = [
        column("proxy"), column("variant"), column("positives", True), column("Spearman", True), column("Kendall", True), column("noise", True),
        column("decisions flip", True), column("ranking of the outcome", True), column("cost a row", True),
    ]  # fmt: skip
    note = (
        "Against the proxy as defined. Noise: the rank correlation of the same definition learned again on other folds."
    )
    return blocks.table(columns, rows, caption="What another definition would change", note=note)


def assumptions(tests: Sequence[Mapping[str, Any]]) -> list[Block]:
    """What is taken for granted, what the tests say, and the learning curve."""
    if not tests:
        return []
    rows = [[t.get("assumption"), "tested" if t.get("tested") else "stated", _verdict(t)] for t in tests]
    found = [blocks.table([column("assumption"), column("how"), column("finding")], rows, caption="Assumptions")]
    for test in tests:
        if at(test, "curve"):
            found.append(_curve(test))
    return found


def _verdict(t: Mapping[str, Any]) -> str:
    if not t.get("tested"):
        return "not tested"
    if t.get("silence"):
        return f"not known: {t['silence']}"
    if t.get("kind") == "predictable":
        score = f", ROC AUC {number(t['roc_auc'], 3)}" if t.get("roc_auc") is not None else ""
        return f"{'holds' if t.get('holds') else 'does not hold'}: p {number(t.get('p'), 3)} of {number(t.get('n_shuffles'))} shuffles{score}"
    word = "holds" if t.get("holds") else "does not hold"
    return (
        f"{word}: twice the rows would buy {number(t.get('gain'))} {t.get('title')} {span(t.get('gain_interval'), 4)}"
    )


def _curve(t: Mapping[str, Any]) -> Block:
    seen = [{"x": p["n"], "y": p["score"], "line": "measured"} for p in t["curve"]]
    fitted = [{"x": p["n"], "y": p["fitted"], "line": "power law"} for p in [*t["curve"], *t["ahead"]]]
    ends = [{"x": p["n"], "low": p["interval"][0], "high": p["interval"][1]} for p in at(t, "ahead", default=[])]
    said = "; ".join(f"{number(p['n'])} rows {number(p['score'])}" for p in t["curve"])
    note = f"A quick boosting model, {number(t.get('n_judged'))} rows judged, three draws a size; the bars are 95 % of the power law at once, twice and four times the rows."
    return blocks.chart(
        charts.learning(seen, fitted, ends, str(t.get("title"))),
        f"What more rows would buy: {t.get('output')}",
        said,
        note=note,
        wide=False,
    )
