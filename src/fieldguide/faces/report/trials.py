"""Trials: the sections of the steps that try candidates, from their facts: baseline, train, refine, finalize.

Knows entries, learning curves, moves and looks; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts, outputs
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at, title_of
from fieldguide.faces.report.figures import (
    ABSENT,
    decimals_for,
    number,
    plural,
    seconds,
    settings,
    share,
    span,
    valued,
)
from fieldguide.faces.report.forecasts import forecasts
from fieldguide.faces.report.imbalance import calibrators
from fieldguide.faces.report.inside import inside
from fieldguide.faces.report.structure import free, structure
from fieldguide.faces.report.worth import worth

MOST_MOVES = 60
MOST_CURVE = 300


def _entries(r: Recorded, entries: list[Mapping[str, Any]], against: str | None) -> list[Block]:
    places = decimals_for([at(e, "scores", 0, "interval") for e in entries])
    paired = decimals_for([at(e, "difference", "interval") for e in entries if at(e, "difference")])
    rows = [
        [f"{e.get('candidate')}{' (stopped by the clock)' if 'clock' in at(e, 'stopped', default=[]) else ''}", valued(at(e, "scores", 0), places),
         valued(at(e, "difference"), paired, True) if at(e, "difference") else ABSENT, number(at(e, "calibration", 0, "ratio"), 3), number(at(e, "calibration", 0, "error"), 3),
         seconds(e.get("seconds")), number(e.get("megabytes"), 2), number(e.get("latency_ms"), 2)]
        for e in entries
    ]  # fmt: skip
    title = r.title
    columns = [
        column("candidate"), column(f"validation {title}", True), column(f"gain over {against or 'the bar'}", True), column("calibration ratio", True), column("error", True),
        column("fit time", True), column("MB", True), column("ms a row", True),
    ]  # fmt: skip
    points = [
        {"name": e.get("candidate"), "kind": e.get("kind") or "user", "value": at(e, "scores", 0, "value"), "low": at(e, "scores", 0, "interval", 0), "high": at(e, "scores", 0, "interval", 1),
         "label": f"{number(at(e, 'scores', 0, 'value'), places)} {span(at(e, 'scores', 0, 'interval'), places)}"}
        for e in entries
    ]  # fmt: skip
    alt = "; ".join(f"{p['name']} {p['label']}" for p in points)
    said = [blocks.text(f"{e.get('candidate')}: {e['words']}") for e in entries if e.get("words")]
    return [
        blocks.chart(charts.intervals(points, f"validation {title}"), "Validation score, with 95 % interval", alt),
        blocks.table(*blocks.spoken(columns, rows)),
        *outputs.compared(r, entries),
        *said,
    ]


def baseline(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    found = _entries(r, at(f, "entries", default=[]), at(f, "trivial"))
    if at(f, "left_out"):
        found.append(blocks.text(f"Left out, for want of time: {', '.join(f['left_out'])}."))
    if at(f, "forecast", "sentence"):
        found.append(blocks.text(f"Forecast: {f['forecast']['sentence']}."))
    return [*found, *inside(f)]


def train(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    entries = at(f, "entries", default=[])
    checks = at(f, "overfit", default={})
    found: list[Block] = [blocks.heading("First: can the network learn a handful of rows at all?")] if checks else []
    drawn = []
    for name, check in checks.items():
        rows = _thinned(
            [
                {"x": i + 1, "y": y, "line": "loss", "label": number(y)}
                for i, y in enumerate(at(check, "curve", default=[]))
            ]
        )
        tone = "yes" if check.get("reached") else "no"
        found.append(
            blocks.verdict(
                str(check.get("sentence", "")),
                tone,
                label=f"{name}: {'passed' if check.get('reached') else 'failed, ' + str(check.get('diagnosis'))}",
            )
        )
        if len(rows) > 1:
            drawn.append(
                blocks.chart(
                    charts.curves(rows, "step", "loss"),
                    f"{name}: {plural(at(check, 'rows', default=0), 'row')} learned by heart",
                    f"loss from {number(rows[0]['y'])} to {number(rows[-1]['y'])}",
                    wide=False,
                )
            )
    found.append(blocks.grid(drawn))
    curves = [c for c in (_curve(e) for e in entries) if c]
    if curves:
        found += [blocks.heading("Then: learning curves"), blocks.grid(curves)]
    found += _entries(r, entries, r.bar or at(f, "difference", "bar")) if entries else []
    return [*found, *inside(f)]


def _curve(e: Mapping[str, Any]) -> Block | None:
    rows = []
    for i, p in enumerate(at(e, "history", default=[])):
        for line, key in (("training", "train"), ("validation", "validation")):
            if p.get(key) is not None:
                rows.append(
                    {"x": p.get("epoch", p.get("step", i + 1)), "y": p[key], "line": line, "label": number(p[key])}
                )
    if len({row["x"] for row in rows}) < 2:  # one epoch is no curve: the table has its loss in the score
        return None
    stopped = ", ".join(sorted({str(s) for s in at(e, "stopped", default=[]) if s}))
    note = f"Loss of the first fold. Stopped: {stopped or 'not recorded'}; {settings(at(e, 'settings'))}."
    x = "epoch" if at(e, "history", 0, "epoch") is not None else "step"
    spec = charts.curves(_thinned(rows), x, "loss")
    second = next((p for p in at(e, "history", default=[]) if p.get("stage") == 2), None)
    if second is not None:
        spec = charts.marked(spec, second["epoch"] - 0.5)
        note = f"{note} From the line on the later layers of the checkpoint learn too; before it they are frozen."
    return blocks.chart(
        spec,
        str(e.get("candidate")),
        f"{plural(len(rows), 'point')} of a learning curve",
        note=note,
        wide=False,
    )


def _thinned(rows: list[Any]) -> list[Any]:
    step = max(1, -(-len(rows) // MOST_CURVE) | 1)  # odd, so that training and validation points both stay
    return rows if len(rows) <= MOST_CURVE else [*rows[::step], rows[-1]]


# --- refine, finalize --------------------------------------------------------------------------------------------------


def refine(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    moves = at(f, "moves", default=[])
    coached = [m for m in moves if m.get("stage") == "coach"]
    found = [*([] if free(r) else _coached(coached)), *_searched(r, moves)]
    members, weights = at(f, "blend", "members", default=[]), at(f, "blend", "weights", default=[])
    if len(members) > 1:
        rows = [{"name": m, "value": w, "label": share(w)} for m, w in zip(members, weights, strict=False)]
        found.append(
            blocks.chart(
                charts.bars(rows, None, step=24, units="weight", shares=True),
                "The blend that was tried",
                "; ".join(f"{x['name']} {x['label']}" for x in rows),
            )
        )
    else:
        found.append(
            blocks.text(
                f"No blend beat its best member: {', '.join(map(str, members))} stands alone."
                if members
                else "No blend was recorded."
            )
        )
    found += worth(r, f)
    found += _ledger(moves)
    rejected = at(f, "rejected", default=[])
    if rejected:
        found.append(
            blocks.table(
                [column("candidate"), column("ms a row", True), column("MB", True)],
                [[x.get("candidate"), number(x.get("latency_ms"), 2), number(x.get("megabytes"), 2)] for x in rejected],
                caption="Rejected by problem.limits, as measured",
            )
        )
    return found


def _coached(moves: list[Mapping[str, Any]]) -> list[Block]:
    if not moves:
        return [blocks.text("The coach made no move: no network was trained to the end, or no time was left.")]
    places = decimals_for([at(m, "difference", "interval") for m in moves])
    rows = [
        [f"{m.get('setting')} {number(m.get('from'))} → {number(m.get('to'))}", f"{m.get('direction')} capacity", _state(at(m, "diagnosis")), m.get("expected"), _state(at(m, "after")),
         valued(at(m, "difference"), places, True), {"text": "✔\u00a0kept" if m.get("kept") else "✖\u00a0not\u00a0kept"}, seconds(m.get("seconds"))]
        for m in moves
    ]  # fmt: skip
    columns = [
        column("move"),
        column("to"),
        column("because"),
        column("expected"),
        column("then"),
        column("gain, paired", True),
        column("kept"),
        column("time", True),
    ]
    return [
        blocks.table(
            columns,
            rows,
            caption="Capacity up until the network overfits, then down: one move at a time",
            note="The gap is how far training loss lies below validation loss, as a share of it.",
        )
    ]


def _state(d: Any) -> str:
    return (
        f"{at(d, 'state', default='unknown')}, gap {share(at(d, 'gap'), 0)}"
        if at(d, "gap") is not None
        else str(at(d, "state", default=ABSENT))
    )


def _searched(r: Recorded, moves: list[Mapping[str, Any]]) -> list[Block]:
    rows, best = [], None
    for i, m in enumerate(moves):
        score = m.get("score")
        if score is None:
            continue
        whole = m.get("share", 1.0) == 1.0 and m.get("whole", True)
        if whole:
            best = score if best is None else max(best, score) if r.greater else min(best, score)
        rows.append(
            {
                "trial": i + 1,
                "score": score,
                "best": best,
                "strength": 1.0 if whole else 0.4,
                "candidate": m.get("candidate"),
                "learner": str(m.get("learner") or str(m.get("candidate", "")).split(":")[0]),
                "stage": f"{m.get('stage', '')}, rung {m['rung']}" if "rung" in m else m.get("stage", ""),
                "label": number(score),
            }
        )
    if len(rows) < 3:
        return []
    skipped = sum("skipped" in m for m in moves)
    note = "Faint points had fewer rows or folds (cheap rungs); the stair is the best so far among the others." + (
        f" {plural(skipped, 'trial')} not made for want of time." if skipped else ""
    )
    return [
        blocks.chart(
            charts.search(rows, f"validation {r.title}"),
            "Every trial",
            f"{plural(len(rows), 'trial')}, best {number(best)}",
            note=note,
        )
    ]


def _shared(moves: list[Mapping[str, Any]], part: str) -> dict[str, dict[str, Any]]:
    """Return, by learner, what all its trials have alike; nothing where there is one trial alone."""
    by_learner: dict[str, list[Mapping[str, Any]]] = {}
    for m in moves:
        if at(m, part):
            by_learner.setdefault(str(m.get("learner")), []).append(m[part])
    return {
        learner: {key: value for key, value in tried[0].items() if all(key in one and one[key] == value for one in tried)}
        for learner, tried in by_learner.items() if len(tried) > 1
    }  # fmt: skip


def _tried(m: Mapping[str, Any], alike: Mapping[str, Any], prepared: Mapping[str, Any]) -> str:
    """Return what of a trial's settings not all trials of its learner have; of a move of the coach, what it set."""
    own: dict[str, Any] = {}
    for part, shared in (("settings", alike), ("recipe", prepared)):
        common = shared.get(str(m.get("learner")), {})
        own |= {key: value for key, value in at(m, part, default={}).items() if key not in common}
    return settings(own) or (f"{m['setting']} {number(m.get('to'))}" if m.get("setting") else ABSENT)


def _ledger(moves: list[Mapping[str, Any]]) -> list[Block]:
    alike, prepared = _shared(moves, "settings"), _shared(moves, "recipe")
    rows = [
        [number(i + 1), m.get("candidate"), m.get("stage"), number(m["rung"]) if "rung" in m else ABSENT, number(m.get("score")), seconds(m.get("seconds")),
         blocks.whole(m.get("skipped") or _tried(m, alike, prepared))]
        for i, m in enumerate(moves)
    ]  # fmt: skip
    common = [
        blocks.text(f"All trials of {learner}: {settings({**prepared.get(learner, {}), **own})}.", "muted") for learner, own in alike.items()
    ]  # fmt: skip
    columns = [
        column("#", True),
        column("candidate"),
        column("stage"),
        column("rung", True),
        column("score", True),
        column("time", True),
        column("settings of the learner and of the preprocessing"),
    ]
    return (
        [
            blocks.details(
                f"The ledger: {plural(len(rows), 'trial')}", [blocks.table(columns, rows, most=MOST_MOVES), *common]
            )
        ]
        if rows
        else []
    )


def _promise(f: Mapping[str, Any], places: int) -> list[Block]:
    """What the score is worth along time: why it is not promised, and how its interval was made."""
    said, made = at(f, "declined"), at(f, "scores", 0, "made")
    found: list[Block] = []
    if said:
        ahead = at(said, "forecast")
        expected = (
            f" For the {number(at(ahead, 'days'), 0)} days after, {number(at(ahead, 'low'), places)} to {number(at(ahead, 'high'), places)} is to be expected."
            if ahead
            else ""
        )
        words = f"This score will not hold. It was measured from {at(said, 'measured', 'from')} to {at(said, 'measured', 'to')} and is not promised: {at(said, 'why')}.{expected}"
        found.append(blocks.verdict(words, "no", label="Not promised"))
    if made:
        found.append(blocks.text(f"The interval: {made}.", "muted"))
    return found


def finalize(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    places = decimals_for([at(s, "interval") for s in at(f, "scores", default=[])])
    rows = [
        [
            s.get("output"),
            title_of(s),
            number(s.get("value"), places),
            span(s.get("interval"), places),
            number(s.get("n")),
            number(s.get("looks")),
        ]
        for s in at(f, "scores", default=[])
    ]
    d = at(f, "difference")
    paired = decimals_for([at(d, "interval")]) if d else 4
    against = (
        f"{number(at(d, 'value'), paired, True)} {span(at(d, 'interval'), paired, True)} over {at(d, 'bar')}"
        if d and at(d, "bar") != at(f, "chosen")
        else "the bar itself was chosen"
        if d
        else None
    )
    members = ", ".join(f"{m.get('candidate')} ({share(m.get('weight'), 0)})" for m in at(f, "members", default=[]))
    return [
        *_promise(f, places),
        blocks.table([column("output"), column("metric"), column("test score", True), column("95 % interval", True), column("n", True), column("looks", True)], rows),
        blocks.facts([
            ("Chosen", at(f, "chosen")), ("Members", members), ("Against the bar, sealed rows", against), ("Refitted on", f"{number(at(f, 'n_refit'))} development rows"),
            ("Size", f"{number(at(f, 'megabytes'), 2)} MB"), ("Latency, one row", f"{number(at(f, 'latency_ms'), 2)} ms"),
            ("Threshold", ", ".join(number(t, 4) for t in at(f, "thresholds", default=[]) if isinstance(t, float))),
            *[(f"{name.capitalize()} at the threshold", f"{share(at(f, 'operating', name, 'value'))} of {number(at(f, 'operating', name, 'n'))} rows")
              for name in ("recall", "precision") if at(f, "operating", name, "value") is not None],
        ]),
        *calibrators(f),
        *forecasts(f),
        *structure(f),
    ]  # fmt: skip
