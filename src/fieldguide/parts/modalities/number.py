"""Numbers: read from text or native types, described, scaled.

Knows how a raw cell becomes a float64 and which facts describe a column of them. How columns are scaled and how missing
values are encoded is `_scaling`, which booleans and datetimes use as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.cell import WHITESPACE
from fieldguide.parts.modalities._reading import DEFAULT_MISSING, missing_tokens, nulls, without_missing
from fieldguide.parts.modalities._scaling import NumbersEncoder

QUANTILES = (1, 5, 25, 50, 75, 95, 99)  # [%]
LARGEST = float(np.finfo(np.float64).max)
MAX_BINS = 30
_EXACT = 2**53
_NUMERIC = re.compile(r"[0-9+.eE-]+\Z")


@dataclass(frozen=True)
class Number:
    """A quantity: Float64, null where missing. Infinity, and text that is no number, is broken.

    `Column.read` may hold: `missing` (tokens; those that are numbers, such as -999, count for native numbers as well),
    `decimal` and `thousands` (marks), `strip` (characters taken off both ends, and from between sign and digits: "$",
    "%", "kg"). Grouping must be regular: with thousands ",", the text "1,23" is broken, because it may well mean 1.23.

    Examples:
        >>> from fieldguide.core.table import Column
        >>> typed, broken = Number().read(pl.Series([" 3 ", "1e5", "?", "abc"]), Column("x", "number"))
        >>> typed.to_list(), broken.to_list()
        ([3.0, 100000.0, None, None], [False, False, False, True])
        >>> Number().read_value("1.234,5", Column("x", "number", read={"decimal": ",", "thousands": "."}))
        (1234.5, False)
    """

    name: ClassVar[str] = "number"

    def read(self, raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
        """Return Float64 values, null where missing or broken, and which cells are broken."""
        style = style_of(column.read)
        if isinstance(raw.dtype, pl.Categorical | pl.Enum):
            raw = raw.cast(pl.String)
        if raw.dtype == pl.String:
            values = _parsed(raw, style)
            held = without_missing(_trimmed(raw, style), style.missing).is_not_null()
        elif raw.dtype.is_decimal():
            values = raw.cast(pl.String).cast(
                pl.Float64, strict=False
            )  # by its digits: exact, as Python reads a Decimal
            held = raw.is_not_null()
        elif raw.dtype.is_numeric() or raw.dtype in (pl.Boolean, pl.Null):
            values = raw.cast(pl.Float64)
            held = raw.is_not_null() & values.is_not_nan().fill_null(False)
        else:
            return nulls(raw, pl.Float64), raw.is_not_null()
        if style.codes:
            is_code = values.is_in(sorted(style.codes)).fill_null(False)
            values, held = values.set(is_code, None), held & ~is_code
        values = values.set(~values.is_finite().fill_null(False) | ~held, None)
        return values, (held & values.is_null()).alias(raw.name)

    def read_value(self, value: Any, column: Any) -> tuple[float | None, bool]:
        """Return one value and whether it is broken, as `read` would; for serving, without Polars."""
        if type(value) is float and not column.read:
            return (value, False) if math.isfinite(value) else (None, value == value)
        if type(value) is int and not column.read and -_EXACT < value < _EXACT:
            return float(value), False
        return _read_value(value, style_of(column.read))

    def cells(self, typed: pl.Series) -> np.ndarray:
        """Return (rows,) float64, NaN where missing."""
        return float_cells(typed)

    def cell(self, value: float | None) -> np.ndarray:
        """Return (1,) float64 of one read value."""
        return np.array((math.nan if value is None else value,), np.float64)

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return counts, moments, quantiles, outliers (over 3 interquartile ranges beyond a quartile), a histogram."""
        return summary(self.cells(typed))

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any) -> NumbersEncoder:
        """Fit the scaling of all number columns on training cells."""
        return NumbersEncoder.fit(cells, recipe.scaling, recipe.missing)

    def load(self, data: Mapping[str, Any]) -> NumbersEncoder:
        """Return the encoder that `to_dict` described."""
        return NumbersEncoder.from_dict(data)


def float_cells(typed: pl.Series) -> np.ndarray:
    """Return a numeric or boolean Series as (rows,) float64 of its own, NaN where null."""
    return typed.cast(pl.Float64).fill_null(math.nan).to_numpy(writable=True)


@dataclass(frozen=True)
class Style:
    """How numbers are written in one column; made once per column by `style_of`."""

    missing: frozenset[str]
    codes: frozenset[float]  # missing tokens that are numbers
    trim: str
    decimal: str
    thousands: str

    @property
    def plain(self) -> bool:
        return self.decimal == "." and not self.thousands and self.trim == WHITESPACE

    @property
    def grouped(self) -> str:
        """The regular expression of a number in this style, the same in Python and in Rust."""
        mark = self.mark
        whole = f"[0-9]{{1,3}}(?:{mark}[0-9]{{2,3}})*{mark}[0-9]{{3}}|[0-9]*" if mark else "[0-9]*"
        return rf"^[+-]?(?:{whole})(?:{re.escape(self.decimal)}[0-9]*)?(?:[eE][+-]?[0-9]+)?$"

    @property
    def mark(self) -> str:
        return "[ \u00a0\u2009\u202f]" if self.thousands in (" ", "\u00a0", "\u202f") else re.escape(self.thousands)

    @property
    def signed(self) -> str:
        """The regular expression of a sign, and of what stands between it and the digits ("-$5")."""
        return rf"^([+-])[{re.escape(self.trim)}]+"


def style_of(read: Mapping[str, Any]) -> Style:
    """Return the style that `Column.read` declares."""
    if not read:
        return _STYLE
    strip = read.get("strip") or ()
    return _style(missing_tokens(read), "".join(strip), read.get("decimal") or ".", read.get("thousands") or "")


@lru_cache(maxsize=1024)
def _style(missing: frozenset[str], strip: str, decimal: str, thousands: str) -> Style:
    codes = (_float(token) for token in missing)
    return Style(missing, frozenset(code for code in codes if code is not None), WHITESPACE + strip, decimal, thousands)


def _float(text: str) -> float | None:
    """Return the number that a text of digits, sign, point and exponent spells; None when it spells none."""
    if not _NUMERIC.match(text):  # float() also takes "nan", "1_000" and digits of other scripts
        return None
    try:
        return float(text)
    except ValueError:
        return None


_STYLE = _style(DEFAULT_MISSING, "", ".", "")


def _trimmed(raw: pl.Series, style: Style) -> pl.Series:
    text = raw.str.strip_chars(WHITESPACE)
    if style.plain:
        return text
    # A token counts before and after characters are taken off: both "-" and "$ -" may stand for nothing.
    whole = without_missing(text, style.missing)
    return whole.str.strip_chars(style.trim).str.replace(style.signed, "$1")


def _parsed(raw: pl.Series, style: Style) -> pl.Series:
    text = _trimmed(raw, style)
    if not style.plain:
        text = text.set(~text.str.contains(style.grouped).fill_null(False), None)
        if style.thousands:
            text = text.str.replace_all(style.mark, "")
        text = text.str.replace(style.decimal, ".", literal=True)
    return text.cast(pl.Float64, strict=False)  # what it takes beyond `_float`, "inf" and "nan", is not finite


def _read_value(value: Any, style: Style) -> tuple[float | None, bool]:
    if isinstance(value, str):
        text = value.strip(WHITESPACE)
        if text in style.missing:
            return None, False
        if not style.plain:
            text = re.sub(style.signed, r"\1", text.strip(style.trim))
            if text in style.missing:
                return None, False
            text = _plain_text(text, style)
        number = _float(text)
        if number is None:
            return None, True
    elif value is None:
        return None, False
    elif isinstance(value, int | float | Decimal | np.number | np.bool_):
        try:
            number = float(value)
        except (OverflowError, ValueError):  # too large, or a decimal that signals that it is no number
            return None, True
        if number != number:
            return None, False
    else:
        return None, True
    if number in style.codes:
        return None, False
    return (number, False) if math.isfinite(number) else (None, True)


def _plain_text(text: str, style: Style) -> str:
    if not re.fullmatch(style.grouped, text):
        return ""
    return (re.sub(style.mark, "", text) if style.thousands else text).replace(style.decimal, ".", 1)


def summary(cells: np.ndarray) -> dict[str, Any]:
    """Return the facts of one column of numbers as plain data; None where no value is known.

    Shape:
        cells: (rows,) float64 with NaN
    """
    values = cells[~np.isnan(cells)]
    facts: dict[str, Any] = {"n": len(cells), "missing": len(cells) - len(values)}
    if not len(values):
        empty = dict.fromkeys(("mean", "sd", "min", "max"))
        return (
            facts
            | empty
            | {"quantiles": {}, "zeros": 0, "negatives": 0, "outliers": 0, "histogram": {"edges": [], "counts": []}}
        )
    largest = float(np.abs(values).max()) or 1.0  # moments of value / largest: squares of 1e200 overflow
    points = np.percentile(values / largest, QUANTILES) * largest
    quartile, three_quarters = points[QUANTILES.index(25)], points[QUANTILES.index(75)]
    with np.errstate(over="ignore"):
        reach = 3.0 * (three_quarters - quartile)
        outliers = (values < quartile - reach) | (values > three_quarters + reach)
    return facts | {
        "mean": float((values / largest).mean() * largest),
        "sd": min(float((values / largest).std(ddof=1)) * largest, LARGEST) if len(values) > 1 else 0.0,
        "min": float(values.min()),
        "quantiles": {f"{q}%": float(point) for q, point in zip(QUANTILES, points, strict=True)},
        "max": float(values.max()),
        "zeros": int((values == 0).sum()),
        "negatives": int((values < 0).sum()),
        "outliers": int(outliers.sum()),
        "histogram": _histogram(values),
    }


def _histogram(values: np.ndarray) -> dict[str, list[float]]:
    """Return at most 30 bins; whole numbers in a short range get a bin each."""
    low, high = float(values.min()), float(values.max())
    if high - low < MAX_BINS and abs(low) < 2**50 and not (values % 1).any():
        edges = np.arange(low - 0.5, high + 1.0)
    elif low == high or max(abs(low), abs(high)) > LARGEST / 4 or (low + (high - low) / MAX_BINS == low):
        return {"edges": [low, high], "counts": [len(values)]}
    else:
        edges = np.linspace(low, high, min(MAX_BINS, max(5, math.ceil(math.sqrt(len(values))))) + 1)
    counts, edges = np.histogram(values, edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
