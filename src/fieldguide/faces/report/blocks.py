"""Blocks: what a section of the page is made of, as plain dicts. Templates draw blocks and know nothing else.

Knows the shapes (text, facts, table, chart, findings …); what stands in them is decided by `facts` and `steps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fieldguide.faces.report.figures import ABSENT, cell

Block = dict[str, Any]

MOST_ROWS = 40
"""Rows of a table that are shown; the rest is counted."""

WORDS = {
    "error": ("✖", "Error"), "warning": ("▲", "Warning"), "info": ("●", "Note"),
    "passed": ("✔", "Passed"), "not_applicable": ("○", "Not applicable"), "skipped": ("◌", "Skipped"),
}  # fmt: skip


def text(words: str, tone: str = "") -> Block:
    """A paragraph."""
    return {"type": "text", "text": words, "tone": tone}


def heading(words: str) -> Block:
    return {"type": "heading", "text": words}


def facts(items: Iterable[tuple[str, Any]]) -> Block:
    """Names and values; a value that is None or empty is left out."""
    return {"type": "facts", "items": [(name, str(value)) for name, value in items if value not in (None, "")]}


def verdict(words: str, tone: str, remedy: str = "", label: str = "") -> Block:
    """A conclusion in words. `tone` is yes, no, open or info; the icon says it without colour."""
    icon = {"yes": "✔", "no": "✖", "open": "?"}.get(tone, "●")
    return {"type": "verdict", "text": words, "tone": tone, "icon": icon, "remedy": remedy, "label": label}


def column(name: str, num: bool = False) -> dict[str, Any]:
    return {"name": name, "num": num}


def whole(words: Any) -> dict[str, str]:
    """A cell of our own words, which are never cut."""
    return {"text": str(words or "")}


def spoken(
    columns: Sequence[dict[str, Any]], rows: Sequence[Sequence[Any]]
) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Return columns and rows without the columns in which no row says anything.

    Examples:
        >>> spoken([column("arm"), column("model")], [["a", "–"], ["b", ""]])[1]
        [['a'], ['b']]
    """
    told = [i for i in range(len(columns)) if any(row[i] not in ("", ABSENT, None) for row in rows)]
    return [columns[i] for i in told], [[row[i] for i in told] for row in rows]


def table(
    columns: Sequence[dict[str, Any]],
    rows: Sequence[Sequence[Any]],
    caption: str = "",
    note: str = "",
    most: int = MOST_ROWS,
    emphasis: Iterable[int] = (),
    tight: bool = False,
) -> Block:
    """A table in a box that scrolls; past `most` rows it says how many are not shown.

    Args:
        columns: see `column`.
        rows: cells, in the order of the columns; a cell is text or {text, class, title}.
        emphasis: indices of rows that stand out.
        tight: a cell is one line, for rows of data.
    """
    shown = [[item if isinstance(item, Mapping) else {"text": cell(item)} for item in row] for row in rows[:most]]
    if len(rows) > most:
        note = f"{most:,} of {len(rows):,} rows shown. {note}".strip()
    return {
        "type": "table",
        "columns": list(columns),
        "rows": shown,
        "caption": caption,
        "note": note,
        "emphasis": list(emphasis),
        "tight": tight,
    }


def chart(spec: Mapping[str, Any] | None, title: str, alt: str, note: str = "", wide: bool = True) -> Block:
    """A Vega-Lite chart with its title and a text for those who cannot see it."""
    return {"type": "chart", "spec": spec, "title": title, "alt": alt, "note": note, "wide": wide}


def grid(blocks: Sequence[Block], small: bool = False) -> Block:
    """Blocks side by side where there is room."""
    return {"type": "grid", "blocks": list(blocks), "small": small}


def pictures(items: Iterable[Mapping[str, Any]], title: str = "", large: bool = False) -> Block:
    """Images and players side by side, each with words below.

    Args:
        items: kind, source (a `data:` URI or None), for sounds also a picture of it, name, and lines of words below it.
        large: for answers to look into, rather than an overview.
    """
    shown = [
        {
            "kind": str(item.get("kind")), "source": _data(item.get("source")), "picture": _data(item.get("picture")),
            "name": str(item.get("name", "")), "lines": [str(line) for line in item.get("lines", ())],
        }
        for item in items
    ]  # fmt: skip
    return {"type": "pictures", "items": shown, "title": title, "large": large}


def _data(source: Any) -> str | None:
    """Only what lies in the page itself is shown: a record that was tampered with fetches nothing."""
    text = str(source or "")
    return text if text.startswith(("data:image/", "data:audio/")) else None


def details(summary: str, blocks: Sequence[Block], opened: bool = False) -> Block:
    """Blocks behind a line that unfolds them."""
    return {"type": "details", "summary": summary, "blocks": list(blocks), "open": opened}


def findings(items: Iterable[Mapping[str, Any]], titles: Mapping[str, str] | None = None) -> Block:
    """Findings and silences, each with its code, its severity as icon and word, and what to do."""
    shown = []
    for item in items:
        status = str(item.get("status", "fired"))
        kind = str(item.get("severity", "info")) if status == "fired" else status
        icon, word = WORDS.get(kind, ("●", kind))
        code = str(item.get("code", ""))
        shown.append({
            "code": code, "anchor": str(item.get("docs", "")), "kind": kind, "icon": icon, "word": word, "step": str(item.get("step", "")),
            "title": (titles or {}).get(code, ""), "sentence": str(item.get("sentence", "")), "remedy": str(item.get("remedy", "") or "") if status == "fired" else "",
        })  # fmt: skip
    return {"type": "findings", "items": shown}
