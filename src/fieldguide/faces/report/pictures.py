"""Pictures: what was looked at, class by class, and the worst answers with their inputs, as blocks.

Knows the facts `gallery` of explore and `worst` of refine; nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.faces.report import blocks
from fieldguide.faces.report.blocks import Block
from fieldguide.faces.report.facts import at
from fieldguide.faces.report.figures import number, share


def galleries(facts: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return a few cells of each column of files, class by class."""
    found: list[Block] = []
    for column in facts:
        groups = at(column, "groups", default=[])
        drawn = [
            blocks.pictures(at(group, "cells", default=[]), f"{group.get('name')} ({number(group.get('n'))})")
            for group in groups if at(group, "cells")
        ]  # fmt: skip
        if not drawn:
            continue
        found += [blocks.heading(f"{column.get('column')}, class by class"), blocks.grid(drawn)]
        rest = int(column.get("n_groups", 0)) - len(groups)
        if rest > 0:
            found.append(blocks.text(f"{number(rest)} more of the classes are not shown.", "muted"))
    return found


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
    names = list(rows[0].get("inputs", {}))
    columns = [blocks.column(name) for name in ("row", "truth", "answer", *names)]
    cells = [
        [number(row.get("row")), row.get("truth"), _answer(row), *(_words(row, name) for name in names)] for row in rows
    ]
    return [first, note, blocks.table(columns, cells)]


def _picture(row: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    others = [f"{name}: {one['text']}" for name, one in row.get("inputs", {}).items() if "text" in one]
    named = [str(shown.get("name", ""))] if shown.get("source") else []
    lines = [f"truth {row.get('truth')}", f"answer {_answer(row)}", *named, *others]
    return {**shown, "lines": lines}


def _answer(row: Mapping[str, Any]) -> str:
    given = row.get("probability")
    return str(row.get("answer")) if given is None else f"{row.get('answer')} ({share(given)})"


def _words(row: Mapping[str, Any], name: str) -> str:
    one = row.get("inputs", {}).get(name, {})
    return str(one.get("text") or one.get("name") or "")
