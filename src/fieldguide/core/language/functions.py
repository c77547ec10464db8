"""The functions of the expression language: what each takes, gives and does in polars.

Knows kinds and polars; knows nothing of text, parsing or error positions, which are `core.language.expression`'s.

One rule holds everywhere: a number is finite or missing, and what is computed from a missing value is missing. The
exceptions are the functions made for missing values (`is_missing`, `coalesce`), `if`, whose condition counts as false
where it is missing, and `min` and `max`, which take the values that are there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

MICROSECONDS_PER_DAY = 86_400_000_000


def finite(number: pl.Expr) -> pl.Expr:
    """Return a number with NaN and infinities made missing.

    `replace` names its argument once: a `when(x.is_finite()).then(x)` would double the expression at every level.

    Examples:
        >>> pl.DataFrame({"x": [1.0, 0.0]}).select(y=finite(1 / pl.col("x")))["y"].to_list()
        [1.0, None]
    """
    return number.replace([math.nan, math.inf, -math.inf], None)


@dataclass(frozen=True)
class Function:
    """One function of the language.

    Args:
        takes: kinds of the arguments; besides kinds: `any`, `same` (all of one kind), `ordered` (all numbers or all
            datetimes), `digits` and `constant` (written as a number; handed to `build` as a Python number), `words`
            (written in quotes; handed to `build` as a Python string).
        gives: kind of the result; `same` is the kind of the arguments marked `same` or `ordered`.
        build: polars expressions in, polars expression out.
        says: one line for the docs.
        optional: how many of the last arguments may be left out.
        repeats: the last argument may be repeated.
    """

    takes: tuple[str, ...]
    gives: str
    build: Callable[..., pl.Expr]
    says: str
    optional: int = 0
    repeats: bool = False

    @property
    def arity(self) -> tuple[int, int | None]:
        """The least and the greatest number of arguments; None: any number."""
        return len(self.takes) - self.optional, None if self.repeats else len(self.takes)


def _number(build: Callable[[pl.Expr], pl.Expr], says: str) -> Function:
    return Function(("number",), "number", lambda x: finite(build(x)), says)


def _date_part(build: Callable[[pl.Expr], pl.Expr], says: str) -> Function:
    return Function(("datetime",), "number", lambda x: build(x).cast(pl.Float64), says)


def _days_between(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    return (end - start).dt.total_microseconds().cast(pl.Float64) / MICROSECONDS_PER_DAY


def _date_of(year: pl.Expr, month: pl.Expr | None = None, day: pl.Expr | None = None) -> pl.Expr:
    """The day at midnight; a month or a day that does not exist, or one with a fraction, is missing."""
    parts = [year, pl.lit(1.0) if month is None else month, pl.lit(1.0) if day is None else day]
    whole = [
        part.is_between(1, most) & (part == part.floor()) for part, most in zip(parts, (9999, 12, 31), strict=True)
    ]
    years, months, days = (
        pl.when(fits).then(part).otherwise(1).cast(pl.Int32) for part, fits in zip(parts, whole, strict=True)
    )
    first = pl.datetime(years, months, 1, time_unit="us")
    found = first + pl.duration(days=days - 1)
    return pl.when(whole[0] & whole[1] & whole[2] & (found.dt.month() == months)).then(found)


FUNCTIONS: dict[str, Function] = {
    "log": _number(lambda x: x.log(), "natural logarithm; missing where the value is 0 or less"),
    "log1p": _number(lambda x: x.log1p(), "logarithm of 1 + x; missing where x is -1 or less"),
    "exp": _number(lambda x: x.exp(), "e to the power of x"),
    "sqrt": _number(lambda x: x.sqrt(), "square root; missing where the value is negative"),
    "abs": _number(lambda x: x.abs(), "absolute value"),
    "floor": _number(lambda x: x.floor(), "the next whole number below"),
    "ceil": _number(lambda x: x.ceil(), "the next whole number above"),
    "round": Function(
        ("number", "digits"),
        "number",
        lambda x, digits=0: finite(x.round(digits, mode="half_to_even")),
        "round(x) or round(x, digits); a half goes to the even neighbour",
        optional=1,
    ),
    "clip": Function(
        ("number", "constant", "constant"),
        "number",
        lambda x, low, high: x.clip(low, high),
        "clip(x, low, high): values below low become low, above high become high",
    ),
    "min": Function(
        ("ordered", "ordered"),
        "same",
        lambda *xs: pl.min_horizontal(*xs),
        "the smallest of the values in the row that are there",
        repeats=True,
    ),
    "max": Function(
        ("ordered", "ordered"),
        "same",
        lambda *xs: pl.max_horizontal(*xs),
        "the greatest of the values in the row that are there",
        repeats=True,
    ),
    "if": Function(
        ("boolean", "same", "same"),
        "same",
        lambda condition, yes, no: pl.when(condition).then(yes).otherwise(no),
        "if(condition, a, b): a where the condition holds, b where it does not or is missing",
    ),
    "is_missing": Function(("any",), "boolean", lambda x: x.is_null(), "true where the value is missing"),
    "coalesce": Function(
        ("same", "same"), "same", lambda *xs: pl.coalesce(*xs), "the first value that is not missing", repeats=True
    ),
    "contains": Function(
        ("category", "words"),
        "boolean",
        lambda x, words: x.str.contains(words, literal=True),
        "contains(x, 'text'): true where the text occurs in x, letter for letter",
    ),
    "lower": Function(("category",), "category", lambda x: x.str.to_lowercase(), "the text in small letters"),
    "length": Function(
        ("category",), "number", lambda x: x.str.len_chars().cast(pl.Float64), "the number of characters of the text"
    ),
    "date": Function(
        ("number", "number", "number"),
        "datetime",
        _date_of,
        "date(year), date(year, month) or date(year, month, day); missing where there is no such day",
        optional=2,
    ),
    "year": _date_part(lambda x: x.dt.year(), "the year of a date"),
    "month": _date_part(lambda x: x.dt.month(), "the month of a date, 1 to 12"),
    "day": _date_part(lambda x: x.dt.day(), "the day of the month, 1 to 31"),
    "weekday": _date_part(lambda x: x.dt.weekday(), "the day of the week, Monday is 1, Sunday is 7"),
    "hour": _date_part(lambda x: x.dt.hour(), "the hour of the day, 0 to 23"),
    "days_between": Function(
        ("datetime", "datetime"), "number", _days_between, "days from the first date to the second, with fractions"
    ),
}
