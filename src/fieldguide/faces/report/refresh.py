"""Refresh: the section of the page on retraining: the versions on the newest rows, and how often an update is worth it.

Knows the facts of `refresh`; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import ABSENT, decimals_for, moment, number, seconds, span, valued

WAYS = {"old": "served until now", "scratch": "fitted anew, transform too", "warm": "fitted further, transform fixed"}


def refresh(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step refresh."""
    title = str(at(f, "metric_title", default="score"))
    places = decimals_for([at(f, "old", "interval"), at(f, "new", "interval")])
    items = [
        ("Window", f"{moment(at(f, 'from'))} to {moment(at(f, 'to'))}, {number(at(f, 'n_window'))} rows"), (f"{title}, old", valued(at(f, "old"), places)),
        (f"{title}, new", valued(at(f, "new"), places)), ("Difference, better above 0", valued(at(f, "difference"), places, True)),
        ("Written to", at(f, "out")), ("Written", _written(f)), ("Update", _often(f)), ("Why", at(f, "recommended", "why")),
        ("Retrain from scratch", at(f, "schedule", "recommended")), ("Why", at(f, "schedule", "why")), ("No schedule", at(f, "schedule", "silence")),
    ]  # fmt: skip
    return [blocks.facts(items), *_versions(f, title, places), *_updates(f, title)]


def _written(f: Mapping[str, Any]) -> str | None:
    return f"{f['written']}: {at(f, 'why_written', default='')}" if at(f, "written") else None


def _often(f: Mapping[str, Any]) -> str | None:
    every = at(f, "recommended", "every")
    return (
        None
        if every is None
        else f"{every}, {'by warm starts' if at(f, 'recommended', 'way') == 'warm' else 'from scratch'}"
    )


def _versions(f: Mapping[str, Any], title: str, places: int) -> list[Block]:
    """Return the versions on the window, each beside the old one, and the warm start beside the one from scratch."""
    scores = at(f, "versions", default={})
    if not scores:
        return []
    pairs = {(pair.get("of"), pair.get("to")): pair for pair in at(f, "differences", default=[])}
    rows = [
        [name, WAYS.get(name, ""), valued(said, places), valued(pairs.get((name, "old")), places, True) if name != "old" else ABSENT,
         seconds(at(f, "seconds_of", name)) if name != "old" else ABSENT]
        for name, said in scores.items()
    ]  # fmt: skip
    note = "Paired on the same rows, over units; better above 0."
    if ("warm", "scratch") in pairs:
        note += f" Warm against scratch: {valued(pairs['warm', 'scratch'], places, True)}."
    elif at(f, "warm", "silence"):
        note += f" No warm start: {f['warm']['silence']}."
    if at(f, "warm", "kept") and "warm" in scores:
        note += f" Left as they are: {', '.join(f['warm']['kept'])}."
    columns = [
        column("version"),
        column("how"),
        column(title, True),
        column("better than the old by", True),
        column("fitting", True),
    ]
    written = [i for i, name in enumerate(scores) if name == at(f, "written")]
    return [blocks.table(columns, rows, caption="Versions on the newest rows", note=note, emphasis=written)]


def _updates(f: Mapping[str, Any], title: str) -> list[Block]:
    """Return the schedules of warm-start updates, and the scores over time with and without updates."""
    said = at(f, "updates", default={})
    if not said:
        return []
    if said.get("silence"):
        return [blocks.text(f"No schedule of warm-start updates is compared: {said['silence']}.", "muted")]
    plans = said.get("schedules", [])
    places = decimals_for([at(plan, "difference", "interval") for plan in plans])
    rows = [
        [plan.get("name"), number(plan.get("n_updates")), number(plan.get("value"), places),
         f"{number(at(plan, 'difference', 'value'), places, True)} {span(at(plan, 'difference', 'interval'), places, True)}"]
        for plan in plans
    ] + [["never", "0", number(said.get("never"), places), ABSENT]]  # fmt: skip
    names = [row[0] for row in rows]
    level = f"{100 * float(said.get('level', 0.95)):.3g} %"
    columns = [
        column("updates"),
        column("how many", True),
        column(title, True),
        column(f"better than never by ({level} interval)", True),
    ]
    note = (
        f"On {number(said.get('n_judged'))} rows of the log; an update knows the rows whose outcomes had come. "
        f"One takes {seconds(said.get('seconds'))}. Recommended: {said.get('recommended')}."
    )
    if said.get("finer"):
        note += f" More frequent ones: fieldguide refresh {said['finer']}."
    found = [
        blocks.table(
            columns, rows, caption="Warm-start updates on the log", note=note, emphasis=[i for i, n in enumerate(names) if n == said.get("recommended")]
        )
    ]  # fmt: skip
    drawn = [
        {"start": f"{p['start']}Z", "value": p[key], "line": line, "dash": line, "label": number(p[key]), "when": moment(p["start"])}
        for key, line in (("never", "never updated"), ("updated", f"updated {plans[0]['name']}"))
        for p in said.get("by_period", []) if p.get(key) is not None
    ]  # fmt: skip
    if plans and len({row["start"] for row in drawn}) > 1:
        lines = list(dict.fromkeys(row["line"] for row in drawn))
        alt = "; ".join(f"{row['when']} {row['line']}: {row['label']}" for row in drawn[:60])
        found.insert(0, blocks.chart(charts.over_time(drawn, lines, title, lines), "With updates and without", alt))
    return found
