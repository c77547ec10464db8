"""Rules: the section of the page on decisions that follow from signals, from the facts of `rules` and `rules_diff`.

Knows those facts; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at, title_of
from fieldguide.faces.report.figures import number, share


def rules(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of decisions by rules: facts, rules, signals, decisions, what each signal costs."""
    if not at(f, "rules"):
        return []
    direct, accuracy = at(f, "direct"), at(f, "decision", "accuracy")
    found = [
        blocks.facts([
            ("Version", at(f, "version")), ("Signals by", at(f, "candidate")), ("Rows", f"{number(at(f, 'n'))} {at(f, 'rows')}"),
            ("True decision", at(f, "truth")), ("Decisions right", _judged(accuracy)),
            ("The commonest decision alone", share(at(f, "decision", "commonest", "share"))),
            ("Predicted directly", f"{_judged(at(direct, 'accuracy'))} ({at(direct, 'candidate')})" if direct else None),
            ("Rules minus direct", _points(at(direct, "difference")) if direct else None),
        ]),
        _rules(f),
    ]  # fmt: skip
    scores = [
        [s.get("output"), title_of(s), number(s.get("value"), 3), _ends(s.get("interval"))]
        for s in at(f, "signals", default=[])
    ]
    heads = [column("signal"), column("metric"), column("score", True), column("95 % interval", True)]
    found += [blocks.table(heads, scores, caption="Layer 1: the signals")] if scores else []
    each = [
        [e.get("decision"), number(e.get("n")), number(e.get("decided")), share(e.get("precision")), share(e.get("recall"))]
        for e in at(f, "decision", "each", default=[])
    ]  # fmt: skip
    heads = [
        column("decision"),
        column("rows", True),
        column("decided", True),
        column("precision", True),
        column("recall", True),
    ]
    found += [blocks.table(heads, each, caption="Layer 2: the decisions")] if each else []
    repaired = [[e.get("output"), _points(e)] for e in at(f, "repaired", default=[])]
    heads = [column("signal"), column("decisions right, in points", True)]
    note = (
        "Each signal in turn is replaced by its truth, the others stay predicted: where a better signal would pay most."
    )
    return found + ([blocks.table(heads, repaired, caption="If a signal were known", note=note)] if repaired else [])


def rules_diff(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of a comparison of two versions: whose decision changes, and what each version is worth."""
    if not at(f, "old"):
        return []
    looks = at(f, "looks", default=0)
    moves = [[m.get("from"), m.get("to"), number(m.get("n"))] for m in at(f, "moves", default=[])]
    heads = [column("from"), column("to"), column("rows", True)]
    return [
        blocks.facts([
            ("Versions", f"{at(f, 'old')} → {at(f, 'new')}"), ("Rows", f"{number(at(f, 'n'))} {at(f, 'rows')}"),
            ("Decisions that change", number(at(f, "changed"))), ("True decision", at(f, "truth")),
            ("Right before", _judged(at(f, "accuracy", "old"))), ("Right now", _judged(at(f, "accuracy", "new"))),
            ("Looks at the sealed rows", number(looks) if looks else None),
        ]),
        *([blocks.table(heads, moves, caption="Whose decision changes")] if moves else []),
    ]  # fmt: skip


def _rules(f: Mapping[str, Any]) -> Block:
    by = [key for key in ("true", "predicted") if at(f, "default", key) is not None]
    rows = [
        [e.get("name"), e.get("when"), e.get("decide"), *(number(at(e, key, what)) for key in by for what in ("holds", "decides"))]
        for e in at(f, "rules", default=[])
    ]  # fmt: skip
    rest = [cell for key in by for cell in ("", number(at(f, "default", key)))]
    rows.append(["otherwise", "", at(f, "default", "decide"), *rest])
    heads = [column("rule"), column("when"), column("decision")]
    heads += [column(f"{what}, {key} signals", True) for key in by for what in ("holds", "decides")]
    return blocks.table(heads, rows, caption="The rules in order; the first that holds decides")


def _judged(found: Mapping[str, Any] | None) -> str | None:
    return (
        None
        if not found
        else f"{share(found.get('value'))} [{share(at(found, 'interval', 0))}, {share(at(found, 'interval', 1))}]"
    )


def _points(found: Mapping[str, Any] | None) -> str:
    value, low, high = at(found, "value"), at(found, "interval", 0), at(found, "interval", 1)
    shown = [None if end is None else 100 * end for end in (value, low, high)]
    return f"{number(shown[0], 1, True)} [{number(shown[1], 1, True)}, {number(shown[2], 1, True)}]"


def _ends(interval: Any) -> str:
    return f"[{number(at(interval, 0), 3)}, {number(at(interval, 1), 3)}]"
