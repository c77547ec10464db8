"""What checks ask of media files: the facts that were found when each file was read, row by row.

Knows the facts of `core.files.media` by name; what they mean for a model is each check's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.files.media import SEEN, told
from fieldguide.core.table import Table

Facts = list[Mapping[str, Any] | None]


def files_of(table: Table, kind: str = "image") -> dict[str, Facts]:
    """Return, for each column of a kind, the facts of each row's file; None where the cell is empty."""
    return {
        column.name: [None if cell is None else SEEN.known(cell) for cell in table.frame[column.name].to_list()]
        for column in table.features if column.kind == kind
    }  # fmt: skip


def examples(table: Table, name: str, rows: np.ndarray, most: int = 3) -> str:
    """Return some rows' files as people read them."""
    cells = table.frame[name]
    shown = ", ".join(told(str(cells[int(row)])) for row in rows[:most])
    return f"{shown} and {len(rows) - most:,} more" if len(rows) > most else shown


def levels(facts: Facts, *names: str) -> np.ndarray:
    """Return a text for each row that tells some facts apart, "" where there is no file: (rows,) objects."""
    return np.array(["" if f is None else " ".join(str(f.get(name, "")) for name in names) for f in facts], object)


def codes(texts: np.ndarray) -> np.ndarray:
    """Return the texts as codes: (rows,) int64."""
    return pl.Series(texts.tolist(), dtype=pl.String).rank("dense").to_numpy().astype(np.int64) - 1
