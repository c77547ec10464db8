"""Pictures: what was looked at, column by column and class by class, and the worst answers with their inputs, as blocks.

Knows the facts `gallery` of explore, and `worst` and `worst_words` of refine; nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block
from fieldguide.faces.report.explain import lines
from fieldguide.faces.report.facts import at
from fieldguide.faces.report.figures import number, share
from fieldguide.faces.report.inside import has_words, told_words, words_note


def galleries(facts: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return a few cells of each media column, class by class; of series the mean curves."""
    found: list[Block] = []
    for column in facts:
        groups = at(column, "groups", default=[])
        drawn = _group_blocks(str(column.get("kind")), groups)
        if not drawn:
            continue
        found += [blocks.heading(f"{column.get('column')}, class by class"), blocks.grid(drawn)]
        rest = int(column.get("n_groups", 0)) - len(groups)
        if rest > 0:
            found.append(blocks.text(f"{number(rest)} more of the classes are not shown.", "muted"))
    return found


def _group_blocks(kind: str, groups: Sequence[Mapping[str, Any]]) -> list[Block]:
    named = [(f"{group.get('name')} ({number(group.get('n'))})", group) for group in groups]
    if kind == "series":
        return [block for name, group in named if (block := _curve(group, name)) is not None]
    if kind == "text":
        rows = [[name, one.get("text")] for name, group in named for one in at(group, "cells", default=[])]
        return [blocks.table([blocks.column("class"), blocks.column("text")], rows)] if rows else []
    return [blocks.pictures(at(group, "cells", default=[]), name) for name, group in named if at(group, "cells")]


def _curve(facts: Mapping[str, Any], title: str) -> Block | None:
    """Return the mean of series over their course, with the band of one standard deviation; None without any."""
    mean, spread = at(facts, "curve", "mean", default=[]), at(facts, "curve", "spread", default=[])
    if not mean:
        return None
    rows = [
        {"x": i / max(1, len(mean) - 1), "y": y, "low": y - s, "high": y + s, "line": "mean", "label": number(y)}
        for i, (y, s) in enumerate(zip(mean, spread, strict=True))
    ]
    note = "The mean over series, from their first step (0) to their last (1); the band is one standard deviation."
    alt = f"from {number(mean[0])} over {number(max(mean))} to {number(mean[-1])}"
    return blocks.chart(lines(rows, "share of the series", "first channel"), title, alt, note=note, wide=False)


def pictured(name: str, c: Mapping[str, Any]) -> Block | None:
    """Return the distribution of a text, audio or series column as a small chart with words; None for columns of other kinds."""
    n, kind = max(1, at(c, "n", default=0)), at(c, "kind")
    missing = f"{share(c['missing'] / n)} missing" if at(c, "missing") else "none missing"
    if kind == "series":
        curve = _curve(c, name)
        return (
            curve
            if curve is None
            else {**curve, "note": " · ".join(part for part in ("series", _said(c, SERIES), missing) if part)}
        )
    if kind not in ("text", "audio"):
        return None
    spec, unit = None, "words" if kind == "text" else "seconds"
    if at(c, "lengths", "counts"):
        spec = charts.histogram(c["lengths"]["edges"], c["lengths"]["counts"])
    middle = at(c, "n_words" if kind == "text" else "seconds", "q50")
    told = [f"median {number(middle)} {unit}", *([_said(c, TEXTS if kind == "text" else SOUNDS)])]
    counts = at(c, "languages", default={})
    total = max(1, sum(counts.values()))
    languages = [f"{language} {share(k / total, 0)}" for language, k in list(counts.items())[:3] if k >= 0.01 * total]
    rates = list(at(c, "rates", default={}))[:3]
    notes = [part for part in (*told, ", ".join(languages), ", ".join(rates), missing) if part]
    return blocks.chart(spec, name, f"{kind}: {', '.join(notes)}", note=f"{kind} · {' · '.join(notes)}")


TEXTS = (
    ("vocabulary", "different words"),
    ("repeated", "repeated"),
    ("damaged", "damaged"),
    ("wordless", "without a word"),
)
SOUNDS = (("repeated", "repeated"), ("silent", "silent"), ("clipped", "clipped"))
SERIES = (("repeated", "repeated"), ("flat", "flat"), ("missing_steps", "missing steps"))


def _said(c: Mapping[str, Any], what: Sequence[tuple[str, str]]) -> str:
    return " · ".join(f"{number(c[key])} {words}" for key, words in what if at(c, key))


def worst(refined: Mapping[str, Any]) -> list[Block]:
    """Return the validation rows that the chosen answer got most wrong, with their inputs."""
    rows = at(refined, "worst", default=[])
    if not rows:
        return []
    first = blocks.heading("Worst answers, with their inputs")
    note = blocks.text(
        "Validation rows: the models that answered were not fitted on them. Wrong labels are often among them.", "muted"
    )
    files = [[one for one in row.get("inputs", {}).values() if "source" in one] for row in rows]
    if all(files):
        return [first, note, blocks.pictures([_picture(row, shown[0]) for row, shown in zip(rows, files)], large=True)]
    inputs, weighed = at(rows[0], "inputs", default={}), ["words that weighed"] if has_words(rows) else []
    names = list(inputs)
    columns = [blocks.column(name) for name in ("row", "truth", "answer", *weighed)]
    columns += [blocks.column(name, num=one.get("kind") in ("number", "datetime")) for name, one in inputs.items()]
    cells = [
        [
            row.get("key") or number(row.get("row")), row.get("truth"), _answer(row), *(told_words(row) for _ in weighed),
            *(_words(row, name) for name in names),
        ]
        for row in rows
    ]  # fmt: skip
    return [first, note, blocks.table(columns, cells, note=words_note(refined))]


def _picture(row: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    others = [f"{name}: {_short(one['text'])}" for name, one in row.get("inputs", {}).items() if "text" in one]
    named = [str(shown.get("name", ""))] if shown.get("source") else []
    called = [str(row["key"])] if row.get("key") else []
    lines = [*called, f"truth {row.get('truth')}", f"answer {_answer(row)}", *named, *others]
    return {**shown, "lines": lines}


def _short(text: Any) -> str:
    """Return a cell as a caption has room for it: of a long number four digits."""
    try:
        return number(float(text)) if len(str(text)) > 8 else str(text)
    except ValueError:
        return str(text)


def _answer(row: Mapping[str, Any]) -> str:
    given = row.get("probability")
    return str(row.get("answer")) if given is None else f"{row.get('answer')} ({share(given)})"


def _words(row: Mapping[str, Any], name: str) -> str:
    one = row.get("inputs", {}).get(name, {})
    return str(one.get("text") or one.get("name") or "")
