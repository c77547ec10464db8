"""What checks ask of columns of texts: their cells, and some of them as people read them.

Knows tables; what a text shows is told by `core.words`, what it means for a model by each check.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldguide.core.table import Table

MOST_SHOWN = 60  # characters of an example


def texts_of(table: Table) -> dict[str, list[str | None]]:
    """Return the cells of each text column."""
    return {column.name: table.frame[column.name].to_list() for column in table.features if column.kind == "text"}


def quoted(texts: Sequence[str | None], rows: Sequence[int] | np.ndarray, most: int = 2) -> str:
    """Return the beginnings of some rows' texts in quotes."""
    shown = [str(texts[int(row)]) for row in rows[:most]]
    return ", ".join(repr(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…") for text in shown)
