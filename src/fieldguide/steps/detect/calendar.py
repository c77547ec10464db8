"""Calendar: times that no single column of dates tells, in parts of columns or in the names of columns.

Sees names, kinds and a few examples; no cell is read here. What is made of it (a derived column, an error, a line of
`study.yaml`) is its callers' business.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain, count

from fieldguide.core.table import Column

YEARS = ("year", "yr", "yyyy", "jahr", "ano", "annee")
PARTS = {
    "year": YEARS,
    "quarter": ("quarter", "qtr", "qrt", "q", "quartal"),
    "month": ("month", "mnth", "mon", "mo", "monat", "month_of_year"),
    "day": ("day", "dayofmonth", "day_of_month", "mday", "tag"),
}
FEWEST_NAMES = 6  # columns named like times, from which on a table is wide
_MONTH = re.compile(r"(?i)^(jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*$")
_TIME_NAME = re.compile(
    r"(?i)^([xy_]?(1[89]|20)\d\d([-_/. ]?(q[1-4]|m?\d{1,2}([-_/. ]\d{1,2})?))?|(q[1-4]|\d{1,2})[-_/. ]?(1[89]|20)\d\d)$"
)


@dataclass(frozen=True)
class Parts:
    """A time in several number columns: their names, and the expression that puts them together."""

    names: tuple[str, ...]
    expression: str


def is_year(column: Column) -> bool:
    """Return whether a number column counts years by its name and by its first cells.

    Examples:
        >>> is_year(Column("YEAR", "number", facts={"examples": ["1959"]})), is_year(Column("yr", "number", facts={"examples": ["0"]}))
        (True, False)
    """
    cells = [str(cell) for cell in column.facts.get("examples", ())]
    return (
        column.kind == "number" and column.name.strip().lower() in YEARS and bool(cells)
        and all(re.fullmatch(r"(1[5-9]|20|21)\d\d(\.0+)?", cell) for cell in cells)
    )  # fmt: skip


def time_parts(columns: Sequence[Column]) -> Parts | None:
    """Return the columns that tell a time together: a year, and a quarter or a month, and its day where there is one.

    Examples:
        >>> year = Column("year", "number", facts={"examples": ["1959", "1960"]})
        >>> time_parts([year, Column("quarter", "number")])
        Parts(names=('year', 'quarter'), expression='date(year, 3 * quarter - 2)')
        >>> time_parts([year, Column("mean month", "number")]) is None
        True
    """
    found = {
        part: [
            c for c in columns if c.kind in ("number", "category") and c.role != "target" and c.name.lower() in names
        ]
        for part, names in PARTS.items()
    }
    one = {part: there[0].name for part, there in found.items() if len(there) == 1 and there[0].kind == "number"}
    if "year" not in one or not is_year(found["year"][0]) or not one.keys() & {"quarter", "month"}:
        return None
    year = _spelled(one["year"])
    if "month" not in one:
        return Parts((one["year"], one["quarter"]), f"date({year}, 3 * {_spelled(one['quarter'])} - 2)")
    chosen = ["year", "month", *(["day"] if "day" in one else [])]
    return Parts(tuple(one[part] for part in chosen), f"date({', '.join(_spelled(one[part]) for part in chosen)})")


def free_name(taken: Collection[str]) -> str:
    """Return a name for a time that is put together of columns, which no column has.

    Examples:
        >>> free_name(["year", "month"]), free_name(["date", "moment", "time of the row"])
        ('date', 'date 2')
    """
    names = chain(("date", "moment", "time of the row"), (f"date {number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def times_as_names(names: Sequence[str]) -> list[str]:
    """Return the columns that are named like times, where a table has so many of them that it is wide; else nothing.

    Examples:
        >>> times_as_names(["YEAR", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL"])[:2], times_as_names(["jan", "price"])
        (['JAN', 'FEB'], [])
        >>> len(times_as_names(["Country", *map(str, range(1960, 2013))]))
        53
    """
    months = [name for name in names if _MONTH.match(name.strip())]
    times = [name for name in names if _TIME_NAME.match(name.strip())]
    found = max((months, times), key=len)
    return found if len(found) >= FEWEST_NAMES else []


def _spelled(name: str) -> str:
    """A name as expressions write it: in backticks where it is not one plain word."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else f"`{name}`"
