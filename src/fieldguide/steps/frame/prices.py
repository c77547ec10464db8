"""Offers: a price column and a booked column become the one column that the task `price` codes.

Before the seal: reads the two columns of every row and no other. An offer that was not booked becomes a negative number;
what that means to a loss is `parts/losses/interval.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.documents.asked import Asked
from fieldguide.core.errors import DataError
from fieldguide.core.table import Column, Table
from fieldguide.parts import modality
from fieldguide.parts.tasks.price import signed


def offered(table: Table, raw: pl.DataFrame, asked: Sequence[Asked], first_row: int = 0) -> Table:
    """Return a typed table whose offered prices carry their outcome as a sign; a row without a price has no target.

    Args:
        table: typed rows; the offered price is a number.
        raw: the same rows as they were read.
        first_row: number of the first row in the file, for messages.

    Raises:
        DataError: a price is 0 or less, or a row with a price does not say whether it was booked; names the row.
    """
    frame = table.frame
    for one in asked:
        if one.booked is None:
            continue
        name = one.columns[0]
        price = frame[name].cast(pl.Float64)
        known = price.is_not_null().to_numpy()
        values = price.fill_null(1.0).to_numpy()
        if (wrong := values <= 0).any():
            raise DataError(
                f"the offered price {name!r} is not above 0 in {_where(wrong, first_row)}",
                rule="a price is above 0; the column problem.booked says whether it was booked",
                found=f"{values[wrong][0]:g}", do="correct these prices, or leave the rows out",
            )  # fmt: skip
        booked = _booked(table, raw, one.booked)
        gaps = booked.is_null().to_numpy() & known
        if gaps.any():
            cell = raw[one.booked][int(np.flatnonzero(gaps)[0])]
            raise DataError(
                f"{one.booked!r} does not say whether the offer was booked in {_where(gaps, first_row)}",
                rule="every offered price was booked or not: yes or no, true or false, 1 or 0",
                found="a missing value" if cell is None or cell == "" else repr(cell), do="fill it in, or leave the rows out",
            )  # fmt: skip
        coded = signed(values, booked.fill_null(False).to_numpy())
        frame = frame.with_columns(pl.Series(name, np.where(known, coded, np.nan)).fill_nan(None))
    return Table(frame, table.columns)


def both_outcomes(frames: Iterable[pl.DataFrame], asked: Sequence[Asked]) -> None:
    """Refuse offers that all ended alike: nothing then says that a price was too low, or too high.

    Raises:
        DataError: all offers were booked, or none.
    """
    for one in asked:
        if one.booked is None:
            continue
        signs = {sign for frame in frames for sign in frame.select((pl.col(one.columns[0]) > 0).unique()).to_series()}
        if len(signs) == 1:
            raise DataError(
                f"{'every' if signs == {True} else 'no'} offer of {one.columns[0]!r} was booked",
                rule="some offers were booked and some were not, or no price can be told to be too high or too low",
                found=f"{one.booked!r} says the same in all rows",
                do="bring offers of both kinds into the table, or correct problem.booked",
            )


def bounds(said: Any) -> dict[str, float]:
    """Return what the `problem` section says of the interval in which a better price lies; empty: the loss's own."""
    return {name: float(value) for name in ("c1", "c2") if (value := getattr(said, name)) is not None}


def _booked(table: Table, raw: pl.DataFrame, name: str) -> pl.Series:
    column = next((column for column in table.columns if column.name == name), None)
    if column is not None and column.kind == "boolean" and name in table.frame.columns:
        return table.frame[name]
    typed, _ = modality("boolean").read(raw[name], Column(name, "boolean"))
    return pl.Series(typed)


def _where(mask: np.ndarray, first_row: int) -> str:
    rows = np.flatnonzero(mask)
    row = first_row + int(rows[0])
    return f"row {row}" if len(rows) == 1 else f"{len(rows):,} rows (the first is row {row})"
