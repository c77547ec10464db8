"""Compared: does it beat simple? The verdict in words, the paired differences, and the price, as blocks.

Knows leaderboard entries and the verdicts that checks wrote down; decides none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at, real
from fieldguide.faces.report.figures import (
    ABSENT,
    decimals_for,
    half_width,
    number,
    seconds,
    span,
    valued,
)

MOST_CANDIDATES = 25
OTHER = "*"
"""Marks a gain over something else than the bar; the note below the table says over what."""
FAR = 8.0
"""Candidates further behind the best than this many half intervals are left out of a drawing: they would flatten the rest."""


def simple(r: Recorded) -> list[Block]:
    """Does it beat simple? The verdict in words, the paired differences, the price."""
    entries = r.entries()
    if not entries:
        return [blocks.text("No candidate has been judged yet: run baseline.")]
    found = _verdicts(r)
    informed = [e for e in entries if e.get("kind") != "trivial"] or entries
    shown = near(informed)[:MOST_CANDIDATES]
    places = decimals_for([at(e, "scores", 0, "interval") for e in shown])
    scored = [
        _point(e["candidate"], e.get("kind"), at(e, "scores", 0, "value"), at(e, "scores", 0, "interval"), places)
        for e in shown
    ]
    better = "greater is better" if r.greater else "smaller is better"
    found.append(blocks.chart(
        charts.intervals(scored, f"validation {r.title} ({better})"), "Validation score of every candidate, with 95 % interval",
        "; ".join(f"{p['name']} {p['label']}" for p in scored), note=_undrawn(len(informed) - len(shown)),
    ))  # fmt: skip
    compared = [e for e in shown if at(e, "difference") and e["against"] == r.bar and e["candidate"] != r.bar]
    if compared:
        places = decimals_for([at(e, "difference", "interval") for e in compared])
        points = [
            _point(
                e["candidate"],
                e.get("kind"),
                at(e, "difference", "value"),
                at(e, "difference", "interval"),
                places,
                True,
            )
            for e in compared
        ]
        success = real(at(r.problem, "success", default=0.0)) or None
        found.append(blocks.chart(
            charts.intervals(points, f"gain over {r.bar}", zero=True, bar=success), f"Paired difference to the bar, {r.bar}, in {r.title}: right of 0 is better",
            "; ".join(f"{p['name']} {p['label']}" for p in points),
            note="Both are judged on the same resampled rows." + (f" Dashed: the {number(success)} worth shipping (problem.success)." if success else " No gain worth shipping was stated (problem.success)."),
        ))  # fmt: skip
    found.append(_prices(r, entries))
    return found


def _verdicts(r: Recorded) -> list[Block]:
    """The verdicts the checks wrote down, in their words: FG602 (network alone), FG704 (what was chosen), FG803 (on test rows)."""
    found = []
    for code, label in (
        ("FG602", "Does the network earn its place?"),
        ("FG704", "What was chosen"),
        ("FG803", "On the sealed rows"),
    ):
        for f in (
            f for f in r.findings() if f["code"] == code and (f["status"] in ("fired", "passed") or code == "FG803")
        ):
            said = at(f, "evidence", "verdict")
            tone = {"yes": "yes", "no": "no", "cannot tell": "open"}.get(
                str(said),
                "info"
                if f["severity"] == "info" or f["status"] == "not_applicable"
                else "yes"
                if f["status"] == "passed"
                else "no",
            )
            found.append(
                blocks.verdict(f["sentence"], tone, f["remedy"] if f["status"] == "fired" else "", f"{label} ({code})")
            )
    if not found:
        words = (
            "No network was trained yet, so the bar is all there is."
            if not r.done("train")
            else at(r.facts("train"), "sentence", default="")
        )
        found.append(blocks.verdict(str(words), "open", label="Does the network earn its place?"))
    return found


def _point(name: str, kind: Any, value: Any, interval: Any, places: int, sign: bool = False) -> dict[str, Any]:
    low, high = at(interval, 0), at(interval, 1)
    return {
        "name": name,
        "kind": kind or "user",
        "value": value,
        "low": low,
        "high": high,
        "label": f"{number(value, places, sign)} {span(interval, places, sign)}",
    }


def _undrawn(n: int) -> str:
    return f"{n} too far behind to be drawn: see the table." if n else ""


def near(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the entries that can be drawn on one scale with the best, the best network and the bar always among them."""
    best = real(at(entries[0], "scores", 0, "value"))
    reach = FAR * max((half_width(at(e, "scores", 0, "interval")) for e in entries[:3]), default=0.0)
    first = {e.get("kind"): e["candidate"] for e in reversed(entries)}
    return [
        e
        for e in entries
        if not abs(real(at(e, "scores", 0, "value")) - best) > reach
        or first.get(e.get("kind")) == e["candidate"] != first.get("simple")
    ]


def _prices(r: Recorded, entries: list[Mapping[str, Any]]) -> Block:
    shown = entries[:MOST_CANDIDATES]
    places = decimals_for([at(e, "scores", 0, "interval") for e in shown])
    paired = decimals_for([at(e, "difference", "interval") for e in shown if at(e, "difference")])
    rows = [
        [
            e["candidate"],
            e.get("kind"),
            valued(at(e, "scores", 0), places),
            _gain(e, r.bar, paired),
            seconds(e.get("seconds")),
            number(e.get("megabytes"), 2),
            number(e.get("latency_ms"), 2),
        ]
        for e in entries
    ]
    columns = [
        column("candidate"), column("kind"), column(f"validation {r.title}", True), column(f"gain over {r.bar or 'the bar'}", True), column("fit time", True),
        column("MB", True), column("ms a row", True),
    ]  # fmt: skip
    chosen = [i for i, e in enumerate(entries) if e["candidate"] == r.chosen]
    note = "With 95 % intervals. Fit time over all folds; size and single-row latency are measured on the packaged model. The chosen candidate stands out."
    others = {e.get("against") for e in shown if _gain(e, r.bar, paired).endswith(OTHER)}
    note += "".join(f" {OTHER} Gain over {name}, the best of its members." for name in others)
    return blocks.table(columns, rows, caption="What each costs", note=note, most=MOST_CANDIDATES, emphasis=chosen)


def _gain(e: Mapping[str, Any], bar: str | None, places: int) -> str:
    if not at(e, "difference") or e["candidate"] == bar or (e.get("against") != bar and e.get("kind") != "ensemble"):
        return ABSENT
    return valued(e["difference"], places, True) + ("" if e.get("against") == bar else f" {OTHER}")
