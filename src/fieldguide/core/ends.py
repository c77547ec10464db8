"""The head and the tail of every batch, looked at once: shape, dtype and range are as the layout says, or the cell is named.

Knows layouts and arrays; nothing of what encoded them. Two rows are looked at and not all: a wrong encoder is wrong in nearly every
row, and a look at all would cost as much as encoding them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fieldguide.core.errors import DataError
from fieldguide.core.files.media import told

MOST_SHOWN = 60  # characters of a cell


def look_at_block(array: np.ndarray, cells: np.ndarray, spec: Any) -> None:
    """Raise unless the first and the last row of a decoded block are as its spec says.

    Args:
        spec: a `core.batch.Spec`. Codes may be as long as the longest row of the batch, and are within the vocabulary; values are finite.

    Raises:
        DataError: names the column and the cell.
    """
    n, shape = len(cells), tuple(spec.shape)
    fits = array.shape == (n, *shape)
    if spec.size:
        fits = array.ndim == 2 and len(array) == n and (not n or 1 <= array.shape[1] <= shape[0])
    if not fits or array.dtype != np.dtype(spec.dtype):
        at = f", such as {_cell(cells, 0)}" if n else ""
        raise _wrong(
            spec.name,
            f"{n:,} cells{at}, became {array.shape} {array.dtype}",
            f"(rows, {', '.join(map(str, shape))}) {spec.dtype}",
        )
    for row in dict.fromkeys((0, n - 1)) if n else ():
        line = array[row]
        if spec.size and ((line < 0) | (line >= spec.size)).any():
            found = f"{_cell(cells, row)} became a code of {int(line.min())} … {int(line.max())}"
            raise _wrong(spec.name, found, f"codes from 0 to {spec.size - 1:,}")
        if not spec.size and not np.isfinite(line).all():
            raise _wrong(
                spec.name,
                f"{_cell(cells, row)} became an array with {int((~np.isfinite(line)).sum()):,} values that are no numbers",
                "finite values",
            )


def look_at_rows(
    layout: Any, numbers: np.ndarray, codes: np.ndarray, cells: Mapping[str, np.ndarray], missing: bool
) -> None:
    """Raise unless the first and the last row of numbers and codes are as their layout says.

    Args:
        cells: what was encoded, by column, to name the wrong one.
        missing: numbers may be NaN, because the recipe keeps missing values.

    Raises:
        DataError: names the encoded column and the cell it comes from.
    """
    n = len(numbers)
    if numbers.shape[1] != len(layout.numbers) or codes.shape != (n, len(layout.codes)):
        found = f"{numbers.shape[1]} numbers and {codes.shape[1]} codes a row"
        raise _wrong("the row", found, f"{len(layout.numbers)} numbers and {len(layout.codes)} codes")
    ends = (0, n - 1) if n > 1 else (0,) if n else ()
    for row in ends:
        line = numbers[row]
        if not np.isfinite(line).all():
            wrong = np.isinf(line) | (np.isnan(line) & (not missing))
            if wrong.any():
                name = layout.numbers[int(np.flatnonzero(wrong)[0])]
                raise _wrong(name, f"row {row}, {_source(name, cells, row)}became {line[wrong][0]}", "finite numbers")
        for code, (name, size) in zip(codes[row].tolist(), layout.codes, strict=True):
            if not 0 <= code < size:
                raise _wrong(
                    name,
                    f"row {row}, {_source(name, cells, row)}became the code {code}",
                    f"codes from 0 to {size - 1:,}",
                )


def _source(name: str, cells: Mapping[str, np.ndarray], row: int) -> str:
    """Return the cell behind an encoded column in words: of the column with its name, else the longest that it starts with."""
    able = [column for column in cells if name == column or name.startswith(f"{column} ")]
    return f"{_cell(cells[max(able, key=len)], row)} " if able else ""


def _cell(cells: np.ndarray, row: int) -> str:
    value = cells[row]
    if isinstance(value, str):
        shown = told(value) if value.startswith(("data:", "/")) else value
        return repr(shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}…")
    return f"the cell of row {row}" if isinstance(value, np.ndarray) else str(value)


def _wrong(name: str, found: str, rule: str) -> DataError:
    return DataError(
        f"{name!r} is not encoded as its layout says", rule=f"in every batch: {rule}", found=found,
        do="mend the cell, or the modality that encodes it: `fieldguide.testing.check_modality` tells what it must keep",
    )  # fmt: skip
