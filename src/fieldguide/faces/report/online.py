"""Online: the sections of the page on a model in use: traffic by arm, latency, contract breaks, replay, drift, gap.

Knows the facts of `traffic`, `replay` and `gap`; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import ABSENT, decimals_for, moment, number, plural, share, span, valued

MOST_DRIFTED = 12
"""Columns whose drift is drawn; all stand in the table."""
MOVED = 0.1
"""Population stability index from which a column is commonly said to have moved."""


TIMES = {"p50": "median", "p99": "p99"}


def traffic(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step traffic: arms, time, refusals, outcomes."""
    if not at(f, "n"):
        return [blocks.text("The log holds no answered row yet.", "muted")]
    found: list[Block] = [
        blocks.facts([("From", moment(at(f, "from"))), ("Until", moment(at(f, "until"))), ("Rows", number(at(f, "n"))), ("Requests", number(at(f, "n_requests")))])
    ]  # fmt: skip
    rows = [
        [one.get("arm"), str(one.get("model", ""))[:16], number(one.get("n")), share(one.get("share")), number(one.get("units")), number(one.get("score")),
         *(_took(one.get(name)) for name in ("p50", "p95", "p99")), ", ".join(one.get("experiments") or []) or ABSENT]
        for one in at(f, "arms", default=[])
    ]  # fmt: skip
    columns = [
        column("arm"), column("model"), column("rows", True), column("share", True), column("units", True), column("mean score", True),
        column("median time", True), column("p95", True), column("p99", True), column("experiment"),
    ]  # fmt: skip
    note = "Times are from a request's arrival to its answer; the log's own commit is not in them."
    timed = any(one.get("p50") for one in at(f, "arms", default=[]))
    found.append(
        blocks.table(
            *blocks.spoken(columns, rows), caption="Arms", note=note if timed else "The log tells no time to answer."
        )
    )
    found += _over_time(at(f, "windows", default=[]))
    return [*found, *_refused(f), *_came(f)]


def _over_time(windows: Sequence[Mapping[str, Any]]) -> list[Block]:
    if len(windows) < 2:
        return []
    cells = [(window, arm, facts) for window in windows for arm, facts in at(window, "arms", default={}).items()]
    counted: list[dict[str, Any]] = []
    for w, arm, facts in cells:
        low = counted[-1]["high"] if counted and counted[-1]["start"] == f"{w['start']}Z" else 0
        span_of = {"start": f"{w['start']}Z", "end": f"{w['end']}Z", "low": low, "high": low + facts["n"]}
        counted.append({**span_of, "line": arm, "label": number(facts["n"]), "when": moment(w["start"])})
    waited = [
        {"start": f"{w['start']}Z", "value": 1000 * facts[name], "line": arm, "dash": said, "label": _took(facts[name]), "when": moment(w["start"])}
        for w, arm, facts in cells for name, said in TIMES.items() if facts.get(name)
    ]  # fmt: skip
    arms = list(dict.fromkeys(row["line"] for row in counted))
    alt = "; ".join(f"{row['when']} {row['line']}: {row['label']}" for row in counted[:60])
    found = [blocks.chart(charts.stacked(counted, arms, "rows"), "Rows answered, by arm", alt)]
    if waited:
        alt = "; ".join(f"{row['when']} {row['line']}, {row['dash']}: {row['label']}" for row in waited[:60])
        note = "Windows of an arm with fewer than 20 rows are left out."
        found.append(
            blocks.chart(
                charts.over_time(waited, arms, "time to answer [ms]", list(TIMES.values()), log=True),
                "Latency",
                alt,
                note,
            )
        )
    return found


def _took(seconds: Any) -> str:
    """Return a time to answer in milliseconds; 0 stands in a log whose rows were not timed."""
    return f"{1000 * seconds:.3g} ms" if isinstance(seconds, int | float) and seconds > 0 else ABSENT


def _refused(f: Mapping[str, Any]) -> list[Block]:
    rules = at(f, "refusals", default=[])
    if not rules:
        return [blocks.heading("Contract breaks"), blocks.text("No request was refused.")]
    rows = [
        [rule.get("column") or ABSENT, rule.get("rule"), number(rule.get("n")), rule.get("example"), moment(rule.get("last"))] for rule in rules
    ]  # fmt: skip
    columns = [
        column("column"),
        column("rule that was broken"),
        column("times", True),
        column("for example"),
        column("last"),
    ]
    caption = f"{plural(int(at(f, 'n_refused', default=0)), 'request')} refused: nothing was answered"
    return [blocks.heading("Contract breaks"), blocks.table(columns, rows, caption=caption)]


def _came(f: Mapping[str, Any]) -> list[Block]:
    found = at(f, "outcomes", default=[])
    if not found:
        return [blocks.text("No outcome was logged yet: what came of the answers is not known.", "muted")]
    rows = [[one.get("name"), number(one.get("n")), number(one.get("mean")), moment(one.get("last"))] for one in found]
    changed = at(f, "corrected", "names", default=[])
    note = "; ".join(
        f"{number(one['n'])} corrections of {one['name']}, the last from {one['example']['from']} to {one['example']['to']} "
        f"on {moment(one['example']['when'])}, half of them within {number(one['days'])} days"
        for one in changed
    )  # fmt: skip
    heads = [column("outcome"), column("logged", True), column("mean", True), column("last")]
    return [
        blocks.table(
            heads, rows, caption="Outcomes", note=f"{note}. What was corrected stays in the log." if note else ""
        )
    ]


# --- replay and drift ---------------------------------------------------------------------------------------------------


def replay(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step replay: whether answers are given again, and whether what is served is like what was learned."""
    if at(f, "silence"):
        return []
    done = at(f, "replayed", default={})
    beyond = int(at(done, "n_beyond", default=0))
    if not at(done, "n"):
        return [blocks.text("No answer of this model is in the log.", "muted")]
    words = (
        f"All {number(done['n'])} logged answers are given again offline, {number(at(done, 'n_exact'))} of them bit for bit."
        if not beyond
        else f"{number(beyond)} of {number(done['n'])} logged answers are not given again offline; the largest difference is {number(at(done, 'largest'))}."
    )
    found = [blocks.verdict(words, "no" if beyond else "yes", label="Replay")]
    if at(f, "decided", "n"):
        otherwise = int(at(f, "decided", "n_otherwise", default=0))
        said = (
            f"The rules (version {at(f, 'decided', 'version')}) make all {number(f['decided']['n'])} logged decisions again."
            if not otherwise
            else f"{number(otherwise)} of {number(f['decided']['n'])} logged decisions do not follow from the rules (version {at(f, 'decided', 'version')})."
        )
        found.append(blocks.verdict(said, "no" if otherwise else "yes", label="Rules"))
    found += _matched(at(f, "matched"))
    seen = at(f, "traffic")
    if seen is None:
        return [
            *found,
            blocks.text("No training rows were given: skew, drift and coverage were not looked at.", "muted"),
        ]
    return [*found, *_drift(seen)]


def _matched(met: Mapping[str, Any] | None) -> list[Block]:
    if met is None:
        return []
    rows = [
        [name, number(c.get("n")), share(c.get("share")), at(c, "example", "served"), at(c, "example", "offline")]
        for name, c in sorted(at(met, "columns", default={}).items(), key=lambda item: -item[1]["share"])
    ]  # fmt: skip
    words = f"{number(at(met, 'n'))} rows met their row of the offline path"
    if not rows:
        return [blocks.verdict(f"{words}; every cell is the same.", "yes", label="Cells")]
    columns = [
        column("column"),
        column("cells that differ", True),
        column("share", True),
        column("served"),
        column("offline"),
    ]
    return [blocks.table(columns, rows, caption=f"{words}; these columns differ")]


def _drift(seen: Mapping[str, Any]) -> list[Block]:
    columns = at(seen, "columns", default=[])
    starts = [str(at(w, "start")) for w in at(seen, "windows", default=[])]
    ranked = sorted(
        columns, key=lambda c: -max(at(c, "index") or 0.0, abs(c["missing_served"] - c["missing_training"]))
    )
    rows = [
        [c.get("column"), c.get("kind"), number(at(c, "index"), 3), number(max(at(c, "index_by_window", default=[]), default=None), 3),
         share(c.get("missing_training")), share(c.get("missing_served")), share(c.get("unseen")) if "unseen" in c else ABSENT]
        for c in ranked
    ]  # fmt: skip
    heads = [
        column("column"), column("kind"), column("moved by", True), column("at most, in a window", True), column("missing in training", True),
        column("missing when served", True), column("in new categories", True),
    ]  # fmt: skip
    note = f"Moved by: population stability index less what chance gives; {MOVED:g} is commonly called a move. {number(at(seen, 'n_served'))} served rows of {number(at(seen, 'n_units'))} units against {number(at(seen, 'n_training'))} training rows."
    found: list[Block] = [blocks.heading("Served against training")]
    drawn = [
        {"window": i + 1, "column": c["column"], "index": max(0.0, value), "label": number(value, 3), "when": moment(starts[i]) if i < len(starts) else ""}
        for c in ranked[:MOST_DRIFTED] for i, value in enumerate(at(c, "index_by_window", default=[]))
    ]  # fmt: skip
    if len(starts) > 1 and drawn:
        alt = "; ".join(f"{row['column']} window {row['window']}: {row['label']}" for row in drawn[:80])
        found.append(
            blocks.chart(
                charts.tiles(drawn, MOVED),
                "How far columns moved, window by window",
                alt,
                f"Windows of about equally many rows, the first from {moment(starts[0])}. The darker, the further; full at {3 * MOVED:g}.",
            )
        )
    return [
        *found,
        blocks.table(
            heads, rows, note=note, emphasis=[i for i, c in enumerate(ranked) if (at(c, "index") or 0.0) >= MOVED]
        ),
    ]


# --- gap ----------------------------------------------------------------------------------------------------------------


def gap(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step gap, output by output: promised, met, and the parts of the difference."""
    if at(f, "silence"):
        return []
    further = at(f, "outputs", default=[])
    if not further:
        return _gap_of(f)
    return [block for one in (f, *further) for block in (blocks.heading(str(one["output"])), *_gap_of(one))]


def _gap_of(f: Mapping[str, Any]) -> list[Block]:
    of = str(at(f, "of", default="rows"))
    title, parts = str(at(f, "metric_title", default="score")), at(f, "parts", default=[])
    places = decimals_for([at(f, "online", "interval"), *(p.get("interval") for p in parts)])
    items = [
        (f"{title} promised", f"{valued(at(f, 'promised'), places)} on {at(f, 'promised_rows', default='')} rows"),
        (f"{title} met", f"{valued(at(f, 'online'), places)} on {number(at(f, 'n_known'))} {of} with an outcome"),
        ("Old enough to be judged", f"{number(at(f, 'n_mature'))} of {number(at(f, 'n'))} {of}"), ("The gap", valued(at(f, "gap"), places, True)),
    ]  # fmt: skip
    drawn = [
        {"name": p["name"], "kind": "network", "value": p["value"], "low": at(p, "interval", 0), "high": at(p, "interval", 1), "label": f"{number(p['value'], places, True)} {span(p.get('interval'), places, True)}"}
        for p in parts if p.get("value") is not None and at(p, "interval", 0) is not None
    ]  # fmt: skip
    found: list[Block] = [blocks.facts(items)]
    if drawn:
        alt = "; ".join(f"{row['name']}: {row['label']}" for row in drawn)
        direction = "more is better" if at(f, "greater_is_better") else "less is better"
        found.append(
            blocks.chart(
                charts.intervals(drawn, f"part of the gap in {title} ({direction})", zero=True),
                "What the gap is made of",
                alt,
            )
        )
    rows = [
        [p.get("name"), number(p.get("value"), places, True), span(p.get("interval"), places, True), p.get("what") if p.get("value") is not None else f"not told: {p.get('why')}"]
        for p in parts
    ]  # fmt: skip
    return [
        *found,
        blocks.table(
            [column("part"), column("value", True), column("95 % interval", True), column("what it is")], rows
        ),
        *_steps(f, title),
    ]


def _steps(f: Mapping[str, Any], title: str) -> list[Block]:
    """Return a forecast's score step by step, and the outcomes that belong to none of its steps."""
    steps = at(f, "steps", default=[])
    if not steps:
        return []
    rows = [[f"+{one['step']}", number(one["value"]), number(one["n"])] for one in steps]
    idle = at(f, "unmatched", default={"n": 0, "of": 0})
    note = f"Scale: {at(f, 'scaled', default='')}."
    if idle["n"]:
        about = ", ".join(f"{name} {value}" for name, value in idle["example"].items())
        note += (
            f" {number(idle['n'])} of {number(idle['of'])} outcomes belong to no step of any forecast, such as {about}."
        )
    columns = [column("step"), column(title, True), column("judged", True)]
    return [blocks.table(columns, rows, caption="Step by step", note=note)]
