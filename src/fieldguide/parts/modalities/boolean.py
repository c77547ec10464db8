"""Booleans: read from words and numbers, encoded as one number each.

Knows words for true and false. Scaling and missing values are `_scaling`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.cell import Unreadable, text_of, texts_of
from fieldguide.parts.modalities._reading import DEFAULT_MISSING, missing_tokens
from fieldguide.parts.modalities._scaling import NumbersEncoder
from fieldguide.parts.modalities.number import float_cells

TRUE = ("true", "t", "yes", "y", "on", "1")
FALSE = ("false", "f", "no", "n", "off", "0")


@dataclass(frozen=True)
class Boolean:
    """Yes or no: Boolean, null where missing. Any other word or number is broken.

    `Column.read` may hold `missing` (tokens), `true` and `false` (a word or a list of words, whatever the case; numbers
    count as their text). A declared list replaces the usual one.

    Examples:
        >>> from fieldguide.core.table import Column
        >>> Boolean().read(pl.Series(["Yes", "0", "", "perhaps"]), Column("smoker", "boolean"))[0].to_list()
        [True, False, None, None]
    """

    name: ClassVar[str] = "boolean"

    def read(self, raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
        """Return Boolean values, null where missing or broken, and which cells are broken."""
        if raw.dtype == pl.Boolean and not column.read:
            return raw, raw.is_null() & False
        texts, broken = texts_of(raw)
        # Few different texts stand in such a column; each is read once, by the scalar path.
        levels = texts.unique().drop_nulls()
        words = _words_of(column.read)
        values = [_meaning(level, *words) for level in levels.to_list()]
        typed = texts.replace_strict(
            levels, pl.Series([value for value, _ in values], dtype=pl.Boolean), default=None, return_dtype=pl.Boolean
        )
        unknown = texts.is_in(levels.filter(pl.Series([wrong for _, wrong in values], dtype=pl.Boolean)).to_list())
        return typed, (broken | unknown.fill_null(False)).alias(raw.name)

    def read_value(self, value: Any, column: Any) -> tuple[bool | None, bool]:
        """Return one value and whether it is broken, as `read` would; for serving, without Polars."""
        if isinstance(value, bool) and not column.read:
            return value, False
        try:
            text = text_of(value)
        except Unreadable:
            return None, True
        return (None, False) if text is None else _meaning(text, *_words_of(column.read))

    def cells(self, typed: pl.Series) -> np.ndarray:
        """Return (rows,) float64: 1 true, 0 false, NaN missing."""
        return float_cells(typed)

    def cell(self, value: bool | None) -> np.ndarray:
        """Return (1,) float64 of one read value."""
        return np.array((math.nan if value is None else value,), np.float64)

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return counts and shares of all rows."""
        n, missing, true = typed.len(), typed.null_count(), int(typed.sum() or 0)
        counts = {"true": true, "false": n - missing - true, "missing": missing}
        return {"n": n, **counts, "shares": {name: count / n if n else 0.0 for name, count in counts.items()}}

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any) -> NumbersEncoder:
        """Fit the encoding of all boolean columns: 0/1 without scaling, standardised with any."""
        return NumbersEncoder.fit(cells, "none" if recipe.scaling == "none" else "standard", recipe.missing)

    def load(self, data: Mapping[str, Any]) -> NumbersEncoder:
        """Return the encoder that `to_dict` described."""
        return NumbersEncoder.from_dict(data)


Words = tuple[Mapping[str, bool], frozenset[str]]


def _words_of(read: Mapping[str, Any]) -> Words:
    if not read:
        return _USUAL
    return _words(_listed(read.get("true")), _listed(read.get("false")), missing_tokens(read))


def _listed(words: Any) -> tuple[str, ...] | None:
    if words is None:
        return None
    return tuple(text_of(word) or "" for word in (words if isinstance(words, list | tuple) else [words]))


@lru_cache(maxsize=1024)
def _words(true: tuple[str, ...] | None, false: tuple[str, ...] | None, missing: frozenset[str]) -> Words:
    meanings = {word.lower(): False for word in (FALSE if false is None else false)}
    return meanings | {word.lower(): True for word in (TRUE if true is None else true)}, missing


_USUAL = _words(None, None, DEFAULT_MISSING)


def _meaning(text: str, words: Mapping[str, bool], missing: frozenset[str]) -> tuple[bool | None, bool]:
    # Declared words come before missing tokens: "-" may be declared to mean false.
    value = words.get(text.lower())
    return value, value is None and text not in missing
