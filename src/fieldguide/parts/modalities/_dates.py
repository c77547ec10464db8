"""Dates as text: formats become regular expressions, their parts become microseconds since 1970.

Knows formats and the calendar, for one text and for a Series, the same for both: strptime of Python and of Polars
disagree about widths, two-digit years and fractions. Knows nothing of columns.
"""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

import numpy as np
import polars as pl

from fieldguide.core.errors import ConfigError

EPOCH = datetime.datetime(1970, 1, 1)
_LOW = int((datetime.datetime.min - EPOCH) / datetime.timedelta(microseconds=1))
_HIGH = int((datetime.datetime.max - EPOCH) / datetime.timedelta(microseconds=1))
_MICROSECONDS = 1_000_000
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = r"(?P<H>[01]?[0-9]|2[0-3]):(?P<M>[0-5][0-9])(?::(?P<S>[0-5][0-9])(?:[.,](?P<f>[0-9]{1,9}))?)?"
_ZONE = r" ?(?P<z>Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
_CLOCK = rf"(?:(?:T| +){_TIME}(?:{_ZONE})?)?"

ISO = rf"^(?P<Y>[0-9]{{4}})[-/.](?P<m>[0-9]{{1,2}})[-/.](?P<d>[0-9]{{1,2}}){_CLOCK}$"
DAY_FIRST = rf"^(?P<d>[0-9]{{1,2}})[-/.](?P<m>[0-9]{{1,2}})[-/.](?P<Y>[0-9]{{4}}){_CLOCK}$"
MONTH_FIRST = rf"^(?P<m>[0-9]{{1,2}})[-/.](?P<d>[0-9]{{1,2}})[-/.](?P<Y>[0-9]{{4}}){_CLOCK}$"

_NAME = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?"
    "|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DIRECTIVES = {
    "Y": "(?P<Y>[0-9]{4})", "y": "(?P<y>[0-9]{2})", "m": "(?P<m>0?[1-9]|1[0-2])", "d": "(?P<d>0?[1-9]|[12][0-9]|3[01])",
    "b": f"(?P<b>{_NAME})", "B": f"(?P<b>{_NAME})", "a": "[a-z]{3}", "A": "[a-z]{6,9}",
    "H": "(?P<H>2[0-3]|[01]?[0-9])", "I": "(?P<I>1[0-2]|0?[0-9])", "M": "(?P<M>[0-5]?[0-9])", "S": "(?P<S>[0-5]?[0-9])",
    "f": "(?P<f>[0-9]{1,9})", "p": "(?P<p>[ap]m)", "z": _ZONE, "q": "(?P<q>[1-4])", "%": "%",
}  # fmt: skip
_SHORTHANDS = {"%T": "%H:%M:%S", "%F": "%Y-%m-%d", "%D": "%m/%d/%y", "%R": "%H:%M", "%.f": ".%f", "%e": "%d"}


@lru_cache(maxsize=1024)
def pattern_of(text_format: str) -> str:
    """Return the regular expression of a date format in the notation of strptime, and %q for a quarter: its first day.

    Raises:
        ConfigError: the format holds a directive that is not known.

    Examples:
        >>> parsed("3-Feb-24", (pattern_of("%d-%b-%y"),))
        datetime.datetime(2024, 2, 3, 0, 0)
        >>> parsed("2024Q3", (pattern_of("%YQ%q"),))
        datetime.datetime(2024, 7, 1, 0, 0)
    """
    for shorthand, meaning in _SHORTHANDS.items():
        text_format = text_format.replace(shorthand, meaning)
    pieces, rest = [], iter(text_format)
    for character in rest:
        if character != "%":
            pieces.append(" +" if character == " " else re.escape(character))
            continue
        directive = next(rest, "")
        if directive not in _DIRECTIVES:
            raise ConfigError(
                f"the date format {text_format!r} holds %{directive}, which is not known",
                rule="a date format is made of the parts that dates have here",
                found=f"%{directive} in {text_format!r}",
                do="use " + ", ".join(f"%{name}" for name in _DIRECTIVES),
            )
        pieces.append(_DIRECTIVES[directive])
    pattern = f"(?i)^{''.join(pieces)}$"
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"the date format {text_format!r} names the same part twice",
            rule="each part of a date stands once in its format",
            found=str(error),
            do="take the second one out, such as %Y-%m-%d",
        ) from error
    return pattern


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def parsed(text: str, patterns: tuple[str, ...]) -> datetime.datetime | None:
    """Return the naive UTC time a text spells in the first pattern that fits; None when none does.

    Examples:
        >>> parsed("2024-01-31T23:30:00+01:00", (ISO,))
        datetime.datetime(2024, 1, 31, 22, 30)
    """
    for pattern in patterns:
        match = _compiled(pattern).fullmatch(text)
        if match:
            return _time_of(match.groupdict())
    return None


def microseconds(texts: pl.Series, patterns: tuple[str, ...]) -> pl.Series:
    """Return microseconds since 1970 as `parsed` gives them, null where no pattern fits or the day does not exist.

    Shape:
        texts: (rows,) String
        returns: (rows,) Int64
    """
    result = np.zeros(texts.len(), np.int64)
    valid = np.zeros(texts.len(), bool)
    open_ = texts.is_not_null().to_numpy(writable=True)
    for pattern in patterns:
        if not open_.any():
            break
        left = np.flatnonzero(open_)
        groups = texts.gather(left).str.extract_groups(f"({_spelled(pattern)})").struct.unnest()
        fits = groups.to_series(0).is_not_null()  # the whole text, null where the pattern does not fit
        rows = left[fits.to_numpy()]
        result[rows], valid[rows] = _microseconds(groups.filter(fits))
        open_[rows] = False
    return pl.Series(texts.name, result).set(pl.Series(~valid), None)


def in_range(micros: pl.Series) -> pl.Series:
    """Return microseconds with null where the year is not 1 to 9999."""
    return micros.set(((micros < _LOW) | (micros > _HIGH)).fill_null(False), None)


def _spelled(pattern: str) -> str:
    # Rust folds case by Unicode (the Kelvin sign is a k); Python's re.ASCII does not.
    return pattern.replace("(?i)", "(?i-u)") if pattern.isascii() else pattern


def _time_of(parts: dict[str, str | None]) -> datetime.datetime | None:
    def number(name: str, default: int = 0) -> int:
        return int(parts.get(name) or default)

    year = number("Y", 1970) if parts.get("y") is None else _full_year(number("y"))
    month = number("m", 1) if not parts.get("b") else _MONTHS.index(str(parts["b"])[:3].lower()) + 1
    month = 3 * number("q") - 2 if parts.get("q") else month
    hour = number("H")
    if parts.get("I"):
        hour = number("I") % 12 + (12 if (parts.get("p") or "").lower() == "pm" else 0)
    fraction = int((parts.get("f") or "0").ljust(6, "0")[:6])
    try:
        time = datetime.datetime(year, month, number("d", 1), hour, number("M"), number("S"), fraction)
        return time - datetime.timedelta(minutes=_offset(parts.get("z") or "Z"))
    except (ValueError, OverflowError):
        return None


def _full_year(year: int) -> int:
    return year + (1900 if year >= 69 else 2000)  # as POSIX


def _offset(zone: str) -> int:
    """Return minutes east of UTC."""
    if zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (60 * int(digits[:2]) + int(digits[2:]))


def _microseconds(groups: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return microseconds and which rows are days that exist."""

    def number(name: str, default: int = 0) -> np.ndarray:
        if name not in groups:
            return np.full(groups.height, default, np.int64)
        return groups[name].cast(pl.Int64).fill_null(default).to_numpy()

    year = number("Y", 1970)
    if "y" in groups:
        short = number("y")
        year = short + np.where(short >= 69, 1900, 2000)
    month = number("m", 1)
    if "b" in groups:
        names = groups["b"].str.head(3).str.to_lowercase()
        month = names.replace_strict(_MONTHS, range(1, 13), default=0, return_dtype=pl.Int64).to_numpy()
    if "q" in groups:
        month = 3 * number("q") - 2
    hour = number("H")
    if "I" in groups:
        afternoon = (groups["p"].str.to_lowercase() == "pm").to_numpy() if "p" in groups else False
        hour = number("I") % 12 + np.where(afternoon, 12, 0)
    fraction = (
        groups["f"].str.pad_end(6, "0").str.head(6).cast(pl.Int64).fill_null(0).to_numpy() if "f" in groups else 0
    )
    offset: np.ndarray | int = 0
    if "z" in groups:
        zones = groups["z"].fill_null("Z")
        levels = zones.unique()
        offset = zones.replace_strict(
            levels, [_offset(zone) for zone in levels.to_list()], return_dtype=pl.Int64
        ).to_numpy()
    day = number("d", 1)
    exists = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(exists, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    exists &= days < (months + 1).astype("datetime64[D]").astype(np.int64)
    micros = ((days * 24 + hour) * 60 + number("M") - offset) * 60 + number("S")
    micros = micros * _MICROSECONDS + fraction
    return micros, exists & (micros >= _LOW) & (micros <= _HIGH)
