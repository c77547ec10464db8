"""What the modalities share when they read: missing tokens, the frame of an answer, and cells of texts and of files.

Knows which texts stand for nothing, and how files are read to their end; what other texts mean, and what is in a file, is each
modality's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.cell import WHITESPACE, Unreadable, text_of, texts_of
from fieldguide.core.files.media import BadFile, cell_of
from fieldguide.core.table import MISSING

DEFAULT_MISSING = frozenset(MISSING)
WORKERS = 2  # threads that read files: libraries of images and sounds let go of the interpreter while they decode


def missing_tokens(read: Mapping[str, Any]) -> frozenset[str]:
    """Return the texts that stand for a missing value: those declared, or the usual ones.

    An empty cell is missing whatever is declared, because a CSV file cannot say otherwise.
    """
    declared = read.get("missing")
    return DEFAULT_MISSING if declared is None else frozenset(str(token).strip(WHITESPACE) for token in declared) | {""}


def without_missing(texts: pl.Series, tokens: frozenset[str]) -> pl.Series:
    """Return texts with null in place of missing tokens."""
    return texts.set(texts.is_in(sorted(tokens)).fill_null(False), None)


def nulls(raw: pl.Series, dtype: Any) -> pl.Series:
    """Return as many nulls of a type as `raw` has rows."""
    return pl.Series(raw.name, [None], dtype=dtype).new_from_index(0, raw.len())


class Texts:
    """Cells that are texts: String typed, objects in arrays."""

    def cells(self, typed: pl.Series) -> np.ndarray:
        """Return (rows,) objects: str, or None where missing."""
        cells = np.empty(typed.len(), object)
        cells[:] = typed.to_list()
        return cells

    def cell(self, value: str | None) -> np.ndarray:
        """Return (1,) objects of one read value."""
        cells = np.empty(1, object)
        cells[0] = value
        return cells


class Files(Texts):
    """Cells that name files: the path of one that can be read to its end, or a `data:` URI."""

    facts: ClassVar[Callable[[str], Mapping[str, Any]]]
    """What is known of a cell's file; `error` says why it is broken."""

    def read(self, raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
        """Return the cells of files that can be read to their end, and which others hold something."""
        texts, unreadable = texts_of(raw)
        with ThreadPoolExecutor(WORKERS) as pool:
            found = list(pool.map(lambda text: self._read(text, column)[0], texts.to_list()))
        typed = pl.Series(raw.name, found, pl.String)
        return typed, unreadable | (typed.is_null() & texts.is_not_null() & (texts != "").fill_null(False))

    def read_value(self, value: Any, column: Any) -> tuple[str | None, bool]:
        """Return one cell and whether it is broken, as `read` would."""
        try:
            found, why = self._read(text_of(value), column)
        except Unreadable:
            return None, True
        return found, bool(why)

    def why(self, value: Any, column: Any) -> str:
        """Return why a raw cell is broken; "" where it is not."""
        try:
            return self._read(text_of(value), column)[1]
        except Unreadable as error:
            return str(error)

    def _read(self, text: str | None, column: Any) -> tuple[str | None, str]:
        """Return (the cell, why it is broken) of a raw text; both are empty where it is missing."""
        if not text:
            return None, ""
        try:
            cell = cell_of(text, column)
            why = str(type(self).facts(cell).get("error", ""))
        except BadFile as error:
            return None, str(error)
        return (None if why else cell), why
