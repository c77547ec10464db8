"""Derived columns: expressions of a study as columns, each with the kind of its result.

Knows `data.derive` and kinds; what role a derived column has, and whether it may have it, is its callers' business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fieldguide.core.language.expression import parse
from fieldguide.core.table import Column


def derived(texts: Mapping[str, str], columns: Sequence[Column]) -> list[Column]:
    """Return a feature column for each expression; later ones may use earlier ones.

    Examples:
        >>> derived({"when": "date(year)"}, [Column("year", "number")])[0].kind
        'datetime'
    """
    kinds = {column.name: column.kind for column in columns if column.role != "target"}
    made = []
    for name, text in texts.items():
        kinds[name] = parse(text, kinds).kind
        made.append(Column(name, kinds[name], "feature", {"expression": text}))
    return made


def with_inputs(chosen: Sequence[Column], columns: Sequence[Column]) -> list[Column]:
    """Return chosen columns and, before them, what their expressions are made of."""
    there, found = {column.name: column for column in columns}, {column.name: column for column in chosen}
    kinds = {name: column.kind for name, column in there.items()}
    waiting = list(chosen)
    while waiting:
        column = waiting.pop()
        used = parse(column.read["expression"], kinds).columns if "expression" in column.read else ()
        more = [there[name] for name in used if name not in found]
        found |= {one.name: one for one in more}
        waiting += more
    return [column for column in columns if column.name in found]
