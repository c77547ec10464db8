"""Label sets and vectors as cells: one text for one value, whatever column type it came in.

A set is written as a JSON list of its labels, a vector as a JSON object of its entries, so that a table holds them in a column
of text like any other. Lists, structs and texts with a separator are read as well. Knows no task.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from fieldguide.core.cell import Unreadable, text_of
from fieldguide.core.errors import DataError
from fieldguide.core.files.sink import SET_SEPARATOR


def set_text(labels: Iterable[str]) -> str:
    """Return the one text of a label set: a JSON list, each label once, in name order.

    Examples:
        >>> set_text(["sad", "angry", "sad"])
        '["angry", "sad"]'
    """
    return json.dumps(sorted(set(labels)), ensure_ascii=False)


def vector_text(entries: Mapping[str, float]) -> str:
    """Return the one text of a vector: a JSON object of its entries, in the order given.

    Examples:
        >>> vector_text({"x": 1.0, "y": 2.5})
        '{"x": 1.0, "y": 2.5}'
    """
    return json.dumps({name: float(value) for name, value in entries.items()}, ensure_ascii=False)


def sets_of(target: pl.Series, separator: str = SET_SEPARATOR) -> list[tuple[str, ...] | None]:
    """Return each row's labels, None where the set is missing.

    A list cell holds labels; a text is a JSON list, or labels with `separator` between them; an empty text is an empty set.

    Raises:
        DataError: a cell is neither, or a label is not a scalar.

    Examples:
        >>> sets_of(pl.Series(["b|a", "", None])), sets_of(pl.Series([["x"], []]))
        ([('a', 'b'), (), None], [('x',), ()])
    """
    cells = target.to_list()
    distinct: dict[object, tuple[str, ...] | None] = {}
    found: list[tuple[str, ...] | None] = []
    for row, cell in enumerate(cells):
        if isinstance(cell, list):
            found.append(_labels(cell, target.name, row))
            continue
        if cell not in distinct:
            distinct[cell] = None if cell is None else _labels(_parts(cell, separator), target.name, row)
        found.append(distinct[cell])
    return found


def _parts(cell: object, separator: str) -> Sequence[object]:
    text = text_of(cell) or ""
    if text.startswith("["):
        try:
            parts = json.loads(text)
        except json.JSONDecodeError:
            parts = None
        if isinstance(parts, list):
            return parts
    return text.split(separator) if separator.strip() else text.split()


def _labels(parts: Sequence[object], name: str, row: int) -> tuple[str, ...]:
    try:
        texts = {text_of(part) or "" for part in parts}
    except Unreadable as reason:
        raise DataError(
            f"the label set {name!r} holds what no label can be in row {row}",
            rule="a label is a text, a number, a boolean or a date",
            found=str(reason),
            do="write labels as texts",
        ) from None
    return tuple(sorted(texts - {""}))
