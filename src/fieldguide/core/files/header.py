"""The header of delimited text: names, the separator, and whether the first line is a header at all.

Knows texts of names and first rows; where they come from is `core.files.delimited`'s business.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from fieldguide.core.errors import DataError, listed

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe", " ": "space"}
SINGLE_QUOTES = "names and cells stand in single quotes, which are taken off"
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"

FEWEST_BY_SPACE = 3  # columns; "first name" above "Ada Lovelace" is one
_CELL = r"^\s*([+-]?\d*\.\d+|\d{4}-\d\d-\d\d\b.*)$"  # a decimal number or a date: hardly ever a name


def read_header(path: Path, text: str, separator: str, quoted: bool) -> tuple[tuple[str, ...], list[str]]:
    """Return the column names in the first row of a file, stripped of spaces, and notes on them.

    Raises:
        DataError: names are empty or repeat.
    """
    text = text.strip("\r\n")
    if not text.strip():
        raise DataError(
            f"{path} is empty", rule="a table has a header and at least one row", found="only blank lines",
            do="check the export",
        )  # fmt: skip
    lines = io.StringIO(text, newline="")
    if quoted:
        rows = csv.reader(lines, delimiter=separator)
    else:
        rows = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    names = [name.strip() for name in next(rows)]
    notes = []
    if singly_quoted(names):
        names = [unquoted(name) for name in names]
        notes.append(SINGLE_QUOTES)
    if names and not names[0] and len(names) > 1:
        # pandas and R write row numbers below an empty name; refusing every such file would help nobody.
        names[0] = "unnamed_1"
        notes.append("the first column has no name in the file and is called 'unnamed_1'")
    repeated = [name for name in names if names.count(name) > 1]
    if any(re.match(_NUMBER, name) for name in repeated) or (repeated and any(re.match(_CELL, name) for name in names)):
        raise _no_header(path, names)
    check_names(names, str(path))
    return tuple(names), notes


def singly_quoted(names: Sequence[str]) -> bool:
    """Return whether every name stands in single quotes, which then enclose cells as double quotes usually do.

    Examples:
        >>> singly_quoted(["'age'", "'sex'"]), singly_quoted(["'age'", "sex"])
        (True, False)
    """
    return bool(names) and all(re.fullmatch(r"'[^']+'", name) for name in names)


def unquoted(name: str) -> str:
    """Return a name without the single quotes around it."""
    return name[1:-1].strip()


def check_names(names: Sequence[str], origin: str) -> None:
    """Raise DataError where column names are empty or repeat."""
    empty = [position for position, name in enumerate(names, start=1) if not name]
    if empty:
        raise DataError(
            f"{origin} has a column without a name", rule="every column has a name",
            found=f"column {listed(empty)} of {len(names)}",
            do="name the column in the header, or remove it (a separator at the end of each line makes one)",
        )  # fmt: skip
    repeated = (
        list(dict.fromkeys(name for name in names if names.count(name) > 1)) if len(set(names)) < len(names) else []
    )
    if repeated:
        raise DataError(
            f"{origin} has duplicate column names", rule="column names are unique",
            found=listed(f"{name!r} stands {names.count(name)} times" for name in repeated),
            do="rename or remove the repeated columns",
        )  # fmt: skip


def refuse_data_as_header(path: Path, names: tuple[str, ...], first: pl.DataFrame) -> None:
    """Raise where the first line is surely data: its cells are numbers, or values of their own columns."""
    numeric = [name for name in names if pl.Series([name]).str.contains(_NUMBER).item()]
    values = [float(name) for name in numeric]
    # 1990, 1991 … or 0, 1, 2 … are ordinary names of wide tables.
    steps = {b - a for a, b in itertools.pairwise(values)}
    even = len(steps) <= 1 and (len(values) > 2 or steps <= {1.0, -1.0})
    years = len(set(values)) == len(values) and all(1800 <= value <= 2100 for value in values)
    sequence = all(value.is_integer() for value in values) and (even or years)
    over_numbers = [name for name in numeric if first[name].drop_nulls().str.contains(_NUMBER).mean() == 1.0]
    repeated = [name for name in names if first[name].str.strip_chars().eq(name).any()]
    # A header that stands once more among the rows repeats in every column; data as a header do in some.
    some = 0 < len(repeated) < len(names) and (len(repeated) > 1 or bool(over_numbers))
    if some or (over_numbers and (not sequence or len(repeated) == len(names))):
        raise _no_header(path, names)


def _no_header(path: Path, names: Sequence[str]) -> DataError:
    return DataError(
        f"{path} has no header", rule="the first line names the columns",
        found=f"the first line holds data: {listed(names)}", do="write a first line with a name for each column",
    )  # fmt: skip


def sniff(head: bytes) -> str:
    """Return the separator that divides the first lines most consistently."""
    lines = [line for line in head.decode("utf-8", "replace").splitlines()[:200] if line.strip()]
    lines = lines[:-1] if len(lines) > 2 else lines  # the last one may be cut
    for separators in (tuple(SEPARATORS)[:-1], (" ",)):  # a space divides where nothing else does
        best, best_score = ",", (-1.0, 0)
        for separator in separators:
            try:
                widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
            except csv.Error:
                continue
            if not widths or widths[0] < 2:
                continue
            score = (round(sum(width == widths[0] for width in widths) / len(widths), 2), widths[0])
            if score > best_score:
                best, best_score = separator, score
        if best_score[0] >= 0 and (best != " " or (best_score[0] == 1.0 and best_score[1] >= FEWEST_BY_SPACE)):
            return best
    return ","
