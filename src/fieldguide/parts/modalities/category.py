"""Categories: read as canonical text, described by their levels, encoded as codes.

Knows levels and their counts. How codes become vectors is each learner's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.batch import Layout
from fieldguide.core.cell import Unreadable, text_of, texts_of
from fieldguide.parts.modalities._reading import Texts, missing_tokens, without_missing

MISSING_CODE, RARE_CODE, FIRST_LEVEL = 0, 1, 2
TOP = 20
MANY_ROWS = 10_000  # from here on, a text for each row costs more than to find the levels
RARE_COUNT = 5  # as the recipe's min_count: a level in fewer rows is called rare


@dataclass(frozen=True)
class Category(Texts):
    """One of several levels: String, null where missing. 3.0, 3 and "3" are the same level.

    `Column.read` may hold `missing` (tokens) and `case` ("ignore": texts are read in small letters, and spaces in them as
    one). Only what no cell can hold (a list, bytes) is broken.

    Examples:
        >>> from fieldguide.core.table import Column
        >>> Category().read(pl.Series([" red", "?", "3.0"]), Column("colour", "category"))[0].to_list()
        ['red', None, '3']
    """

    name: ClassVar[str] = "category"

    def read(self, raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
        """Return String levels, null where missing or broken, and which cells are broken."""
        texts, broken = texts_of(raw)
        known = without_missing(texts, missing_tokens(column.read))
        return (in_one_case(known) if column.read.get("case") == "ignore" else known), broken

    def read_value(self, value: Any, column: Any) -> tuple[str | None, bool]:
        """Return one level and whether it is broken, as `read` would; for serving, without Polars."""
        try:
            text = text_of(value)
        except Unreadable:
            return None, True
        if text is None or text in missing_tokens(column.read):
            return None, False
        return (folded(text) if column.read.get("case") == "ignore" else text), False

    def cells(self, typed: pl.Series) -> np.ndarray:
        """Return (rows,) objects: str, or None where missing; rows of a level share one text, so that many rows take little."""
        cells = np.empty(typed.len(), object)
        levels = typed.unique() if len(cells) > MANY_ROWS else typed
        if len(levels) >= len(cells) / 4:  # none of none as well
            cells[:] = typed.to_list()
            return cells
        texts = np.array(levels.to_list(), object)
        codes = typed.replace_strict(levels, pl.Series(np.arange(len(levels), dtype=np.uint32)))
        cells[:] = texts[codes.to_numpy()]
        return cells

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return counts, the 20 most frequent levels, and the share of rows whose level is in fewer than 5 of them."""
        counts = _counts(self.cells(typed))
        known = sum(counts.values())
        rare = sum(count for count in counts.values() if count < RARE_COUNT)
        return {
            "n": typed.len(), "missing": typed.len() - known, "n_levels": len(counts),
            "top": [{"level": level, "count": counts[level]} for level in _by_frequency(counts)[:TOP]],
            "rare_share": rare / known if known else 0.0,
        }  # fmt: skip

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any) -> CategoryEncoder:
        """Fit the levels of all category columns on training cells."""
        levels = []
        for column in cells.values():
            counts = _counts(column)
            kept = [level for level in _by_frequency(counts) if counts[level] >= recipe.min_count]
            levels.append(tuple(kept[: recipe.max_levels]))
        return CategoryEncoder(tuple(cells), tuple(levels))

    def load(self, data: Mapping[str, Any]) -> CategoryEncoder:
        """Return the encoder that `to_dict` described."""
        return CategoryEncoder(tuple(data["names"]), tuple(tuple(levels) for levels in data["levels"]))


def folded(text: str) -> str:
    """Return a text in small letters, with one space wherever it has several.

    Examples:
        >>> folded("New  York")
        'new york'
    """
    return " ".join(text.lower().split())


def in_one_case(texts: pl.Series) -> pl.Series:
    """Return texts as `folded` gives them; each level is folded once, by the scalar path."""
    levels = texts.drop_nulls().unique()
    if not len(levels):
        return texts
    return texts.replace_strict(levels, pl.Series([folded(level) for level in levels.to_list()], dtype=pl.String))


class _Codes(dict[str | None, int]):
    def __missing__(self, level: str | None) -> int:
        return RARE_CODE


@dataclass(frozen=True)
class CategoryEncoder:
    """Levels in code order: 0 is missing, 1 is rare or unknown, the most frequent level is 2.

    Shape:
        encode(cells)["codes"]: (rows, columns) int32
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    _codes: tuple[_Codes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        codes = (
            _Codes(zip(levels, range(FIRST_LEVEL, FIRST_LEVEL + len(levels)), strict=True)) for levels in self.levels
        )
        object.__setattr__(self, "_codes", tuple(_Codes(code | {None: MISSING_CODE}) for code in codes))

    def layout(self) -> Layout:
        return Layout(
            codes=tuple((name, FIRST_LEVEL + len(levels)) for name, levels in zip(self.names, self.levels, strict=True))
        )

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        n_rows = len(cells[self.names[0]]) if self.names else 0
        if n_rows == 1:
            row = [codes[cells[name][0]] for name, codes in zip(self.names, self._codes, strict=True)]
            return {"codes": np.array([row], np.int32)}
        matrix = np.empty((n_rows, len(self.names)), np.int32)
        for k, (name, codes) in enumerate(zip(self.names, self._codes, strict=True)):
            matrix[:, k] = np.fromiter(map(codes.__getitem__, cells[name].tolist()), np.int32, n_rows)
        return {"codes": matrix}

    def to_dict(self) -> dict[str, Any]:
        return {"names": list(self.names), "levels": [list(levels) for levels in self.levels]}


def _counts(cells: np.ndarray) -> Counter[str]:
    counts = Counter(cells.tolist())
    counts.pop(None, None)
    return counts


def _by_frequency(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda level: (-counts[level], level))
