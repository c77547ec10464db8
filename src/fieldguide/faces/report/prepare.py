"""Prepare: the section of the page on the transform: its recipe, what a learner receives, rows before and after.

Knows the facts of prepare, and which fields of the recipe say nothing about a table like this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fieldguide.faces.report import blocks
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import number, span, trimmed

MOST_COLUMNS = 40
"""Columns of the user's table that are drawn or shown side by side; the rest is counted."""
ABOUT = {
    "min_count": ("category", "boolean", "label_set"), "max_levels": ("category", "boolean", "label_set"), "dates": ("datetime",),
    "media": ("text", "image", "audio", "series"), "augment": ("text", "image", "audio", "series"),
}  # fmt: skip
"""Kinds of columns that fields of the recipe are about, where the field itself does not name one."""
TYPES = {"Float64": "number", "String": "text", "Boolean": "yes or no", "Datetime": "time", "Date": "day"}


def prepare(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the step prepare."""
    arrays = [
        [
            a.get("array"),
            a.get("dtype"),
            " × ".join(number(n) for n in at(a, "shape", default=[])),
            span(a.get("range")),
        ]
        for a in at(f, "arrays", default=[])
    ]
    found = [
        blocks.text("Every fit learns this transform from its own training rows; shown is the first fold's."),
        blocks.facts(_recipe(at(f, "recipe", default={}), _kinds(r))),
        blocks.table(
            [column("array"), column("dtype"), column("shape (rows × columns)", True), column("range", True)],
            arrays,
            caption="What a learner receives",
        ),
    ]
    before, dtypes = at(f, "before", default={}), at(f, "before_dtypes", default={})
    if before:
        names = list(before)[:MOST_COLUMNS]
        rows = [[trimmed(before[n][i]) for n in names] for i in range(len(before[names[0]]))]
        columns = [column(f"{n} ({_typed(dtypes.get(n, ''))})", dtypes.get(n) == "Float64") for n in names]
        found.append(
            blocks.details(
                "Ten rows before",
                [blocks.table(columns, rows, note=columns_shown(len(before)), tight=True)],
                opened=True,
            )
        )
    numbers, codes = at(f, "after", "numbers", default={}), at(f, "after", "codes", default={})
    if numbers or codes:
        levels = at(f, "cardinalities", default={})
        every = [(n, _encoded(v), "number") for n, v in numbers.items()] + [
            (n, [number(x) for x in v], f"code, {number(at(levels, n))} levels") for n, v in codes.items()
        ]
        shown = every[:MOST_COLUMNS]
        columns = [column(f"{n} ({kind})", True) for n, _, kind in shown]
        rows = [[v[i] for _, v, _ in shown] for i in range(len(shown[0][1]))]
        found.append(
            blocks.details(
                "The same rows after",
                [blocks.table(columns, rows, note=columns_shown(len(every)), tight=True)],
                opened=True,
            )
        )
    return found


def _kinds(r: Recorded) -> set[str]:
    """Return the kinds of the columns that are learned from."""
    return {
        str(c.get("kind")) for c in at(r.facts("frame"), "columns", default=[]) if c.get("role") in ("feature", "time")
    }


def _recipe(values: Mapping[str, Any], kinds: set[str]) -> list[tuple[str, Any]]:
    """Return what of the recipe says something about columns of these kinds; all of it where the kinds are not known."""
    from fieldguide.core.transform import Recipe

    about = {field.name: tuple(filter(None, [field.metadata.get("of")])) for field in fields(Recipe)}
    about = {name: ABOUT.get(name, kind) for name, kind in about.items()}
    shown = [name for name in values if not kinds or not about.get(name) or kinds & set(about[name])]
    return [(name.replace("_", " "), _spoken(values[name])) for name in shown]


def _spoken(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else value


def _typed(dtype: Any) -> str:
    """Return the type of a column in a word."""
    name = str(dtype).split("(")[0]
    return TYPES.get(name, name)


def columns_shown(n: int) -> str:
    """Say how many columns are shown, where not all are."""
    return f"{MOST_COLUMNS} of {n} columns shown." if n > MOST_COLUMNS else ""


def _encoded(values: list[Any]) -> list[str]:
    return [number(v, 3) for v in values]
