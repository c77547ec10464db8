"""Outputs: blocks that tell every output by itself, where there are several, or where one is a label set or a vector.

Knows facts of candidates (one score an output) and of finalize (`outputs`); a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.core.figures import percent
from fieldguide.faces.report import blocks
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at, title_of
from fieldguide.faces.report.figures import ABSENT, decimals_for, number, span

JOINT = ("multilabel", "vector")


def compared(r: Recorded, entries: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Every candidate on every output; nothing where there is one output."""
    names = [s.get("output") for s in at(entries, 0, "scores", default=[])]
    if len(names) < 2:
        return []
    places = [decimals_for([at(e, "scores", i, "interval") for e in entries]) for i in range(len(names))]
    rows = [
        [e.get("candidate"), *[
            f"{number(at(e, 'scores', i, 'value'), places[i])} {span(at(e, 'scores', i, 'interval'), places[i])}"
            for i in range(len(names))
        ]]
        for e in entries
    ]  # fmt: skip
    metrics = [f"{name}: {title_of(at(entries, 0, 'scores', i, default={}))}" for i, name in enumerate(names)]
    columns = [column("candidate"), *[column(metric, True) for metric in metrics]]
    note = f"Validation scores with 95 % intervals. Candidates are ranked by {names[0]}."
    return [blocks.table(columns, rows, caption="Every output", note=note)]


def each(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """What each output did on the sealed rows; nothing where there is one of a single column."""
    told = at(f, "outputs", default=[])
    if len(told) < 2 and not any(one.get("task") in JOINT or one.get("offers") for one in told):
        return []
    found: list[Block] = [blocks.heading("Every output on the sealed rows")] if len(told) > 1 else []
    scores = {s.get("output"): s for s in at(f, "scores", default=[])}
    rows = []
    for one in told:
        score, against = scores.get(one.get("output"), {}), at(one, "difference", default={})
        places = decimals_for([score.get("interval")])
        rows.append([
            one.get("output"), one.get("task"), one.get("title"), f"{number(score.get('value'), places)} {span(score.get('interval'), places)}",
            f"{number(against.get('value'), places, True)} {span(against.get('interval'), places, True)}",
        ])  # fmt: skip
    if len(told) > 1:
        columns = [
            column("output"),
            column("task"),
            column("metric"),
            column("test score", True),
            column("gain over the bar", True),
        ]
        found.append(blocks.table(columns, rows, note="The bar is the best baseline by the first output's metric."))
    for number_, one in enumerate(told):
        found += [*_parts(one), *_offers(one)]
        if number_:
            found += _slices(one)
    return found


def _offers(one: Mapping[str, Any]) -> list[Block]:
    """All metrics of a suggested price: each alone is best for an extreme."""
    told = at(one, "offers", default=[])
    if not told:
        return []
    rows = [[title_of(score), f"{_maybe(score.get('value'))} {span(score.get('interval'), 4)}"] for score in told]
    note = "Suggestions against what each offer led to, sealed rows, 95 % intervals. Very low prices would be best by price decrease recall, very high ones by booking regret."
    return [
        blocks.table(
            [column("metric"), column("value", True)], rows, caption=f"Suggested {one.get('output')}", note=note
        )
    ]


def _parts(one: Mapping[str, Any]) -> list[Block]:
    members, entries = at(one, "drawn", "members", default=[]), at(one, "drawn", "entries", default=[])
    if members:
        columns = [
            column("label"),
            *[column(name, True) for name in ("rows", "decided", "threshold", "precision", "recall", "F1")],
        ]
        rows = [
            [
                m["label"],
                number(m["n"]),
                number(m["decided"]),
                number(m["threshold"], 3),
                *[_maybe(m[k]) for k in ("precision", "recall", "f1")],
            ]
            for m in members
        ]
        note = "Each label is decided at its own threshold, chosen on validation rows and frozen before the seal was opened."
        return [blocks.table(columns, rows, caption=f"Labels of {one.get('output')}", note=note)]
    if entries:
        columns = [column("entry"), *[column(name, True) for name in ("mean", "RMSE", "MAE", "mean error", "R²")]]
        rows = [[e["entry"], *[_maybe(e[k]) for k in ("mean", "rmse", "mae", "bias", "r2")]] for e in entries]
        return [
            blocks.table(
                columns, rows, caption=f"Entries of {one.get('output')}", note="Mean error: prediction less truth."
            )
        ]
    table = at(one, "drawn", "confusion", default=[])
    labels = at(one, "drawn", "labels", default=[])
    if one.get("task") == "ordinal" and table:
        counts: dict[int, float] = {}
        for i, line in enumerate(table):
            for j, n in enumerate(line):
                if n:
                    counts[abs(i - j)] = counts.get(abs(i - j), 0) + n
        total = sum(counts.values())
        rows = [[number(d), number(n), percent(n / total, 1)] for d, n in sorted(counts.items())]
        columns = [column("levels off", True), column("rows", True), column("share", True)]
        return [
            blocks.table(
                columns,
                rows,
                caption=f"How far decisions on {one.get('output')} are off",
                note=f"{len(labels)} levels, {labels[0]} to {labels[-1]}.",
            )
        ]
    return []


def _slices(one: Mapping[str, Any]) -> list[Block]:
    parts = at(one, "slices", default=[])
    if not parts:
        return []
    places = decimals_for([s.get("interval") for s in parts])
    rows = [
        [
            s.get("name"),
            number(s.get("n")),
            s.get("silence") or f"{number(s.get('value'), places)} {span(s.get('interval'), places)}",
        ]
        for s in parts
    ]
    return [
        blocks.table(
            [column("slice"), column("n", True), column(str(one.get("title")), True)],
            rows,
            caption=f"Slices of {one.get('output')}",
        )
    ]


def _maybe(value: float | None) -> str:
    return ABSENT if value is None else number(value, 4)
