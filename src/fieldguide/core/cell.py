"""Raw cells as text: one spelling for one value, whatever file or wire it came from.

Knows whitespace and the canonical text of a raw value, for one value and for a Series, the same for both. What a text
means (a number, a level, a label, a date) is the business of whoever reads it.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

# Spelled out because Python's strip and Polars' strip_chars disagree about what whitespace is.
WHITESPACE = " \t\n\r\x0b\x0c\x85\u00a0\u2002\u2003\u2007\u2009\u202f\u3000\ufeff"

# Whole numbers that a float column has turned into 3.0; "03.0", "3.00" and "1.10" are spelled on purpose and stay.
_FLOATED = r"^(-?[1-9][0-9]*|0)\.0$"
_floated = re.compile(_FLOATED.replace("$", r"\Z"), re.ASCII)
# Above this a float no longer prints as the whole number that it is.
_WHOLE = 1e22
# Between these Polars and Python print floats alike, but for the ".0" of whole ones.
_SMALL, _LARGE = 1e-4, 1e15


class Unreadable(TypeError):
    """The value is a list, a mapping, bytes or another thing that no cell of a table holds."""


def text_of(value: Any) -> str | None:
    """Return the canonical text of one raw value; None for a missing one.

    Raises:
        Unreadable: the value is not a scalar.

    Examples:
        >>> text_of(3.0), text_of(3), text_of(" 3 "), text_of("3.0"), text_of(True), text_of(float("nan"))
        ('3', '3', '3', '3', 'true', None)
    """
    if isinstance(value, str):
        text = value.strip(WHITESPACE)
        return text[:-2] if text.endswith(".0") and _floated.match(text) else text
    if value is None:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _text_of_float(value)
    if isinstance(value, Decimal):
        return _text_of_decimal(value)
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):  # a datetime is a date
        return str(value)
    raise Unreadable(f"a cell cannot hold a {type(value).__name__}")


def texts_of(raw: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the canonical texts of a Series, and which cells are unreadable; the same as `text_of` cell by cell.

    Shape:
        returns: (rows,) String with nulls, (rows,) Boolean

    Examples:
        >>> texts_of(pl.Series([3.0, None, 2.5]))[0].to_list()
        ['3', None, '2.5']
    """
    nothing = raw.is_null() & False
    if isinstance(raw.dtype, pl.Categorical | pl.Enum):
        raw = raw.cast(pl.String)
    if raw.dtype == pl.String:
        texts = raw.str.strip_chars(WHITESPACE)
        return (texts.str.replace(_FLOATED, "$1") if texts.str.ends_with(".0").any() else texts), nothing
    if raw.dtype == pl.Null or raw.dtype == pl.Boolean or raw.dtype.is_integer():
        return raw.cast(pl.String), nothing
    if not (raw.dtype.is_numeric() or raw.dtype.is_temporal()):
        return pl.Series(raw.name, [None] * raw.len(), dtype=pl.String), raw.is_not_null()
    if raw.dtype.is_float():
        return _texts_of_floats(raw.cast(pl.Float64)), nothing
    return _texts_by_level(raw), nothing


def _texts_of_floats(raw: pl.Series) -> pl.Series:
    """Polars prints most floats as Python does, and fast; the very small, the very large and what is no number it does not."""
    size = raw.abs()
    plain = ((size >= _SMALL) & (size < _LARGE)).fill_null(False)
    texts = raw.cast(pl.String).str.replace(_FLOATED, "$1")
    if plain.all():
        return texts
    return texts.zip_with(plain, _texts_by_level(raw.set(plain, None)))


def _texts_by_level(raw: pl.Series) -> pl.Series:
    """One value of each, by the scalar path: Polars and Python print floats and dates differently."""
    levels = raw.unique()
    texts = raw.replace_strict(levels, pl.Series([text_of(level) for level in levels.to_list()], dtype=pl.String))
    return texts.cast(pl.String)


def _text_of_float(value: float) -> str | None:
    if value != value:
        return None
    return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)


def _text_of_decimal(value: Decimal) -> str | None:
    if value.is_nan():
        return None
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
