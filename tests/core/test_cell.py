"""Raw cells as text: one value has one spelling, alone and in a column."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.cell import WHITESPACE, Unreadable, text_of, texts_of

DAY = dt.date(2024, 2, 29)
COLUMNS = (
    pl.Series([3.0, -0.0, 2.5, float("nan"), None, 1e21, 1e22, float("inf"), 0.1]),
    pl.Series(["3.0", " 03.0 ", "3.00", "-7.0", "-0.0", "0.0", "1.10", "a.0", None, "", "\u00a0x\ufeff"]),
    pl.Series([1, None, -5], dtype=pl.Int16),
    pl.Series([True, None, False]),
    pl.Series([None, None]),
    pl.Series([DAY, None]),
    pl.Series([dt.datetime(2024, 2, 29, 12, 30), None]),
    pl.Series([dt.timedelta(days=1, seconds=5), None]),
    pl.Series([Decimal("3.50"), Decimal("0.00"), Decimal("-100"), None], dtype=pl.Decimal(10, 2)),
    pl.Series(["b", "a", None], dtype=pl.Categorical),
)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.dtype))
def test_a_column_reads_as_its_cells_do(column: pl.Series) -> None:
    texts, wrong = texts_of(column)
    assert texts.to_list() == [text_of(cell) for cell in column.to_list()]
    assert texts.dtype == pl.String
    assert not wrong.any()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="0123456789.-eE" + WHITESPACE + "ä٣", max_size=8), max_size=6))
def test_any_text_reads_the_same_alone_and_in_a_column(cells: list[str]) -> None:
    assert texts_of(pl.Series(cells, dtype=pl.String))[0].to_list() == [text_of(cell) for cell in cells]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.none() | st.floats(), max_size=6), st.sampled_from([pl.Float64, pl.Float32]))
def test_any_float_reads_the_same_alone_and_in_a_column(cells: list[float | None], dtype: type[pl.DataType]) -> None:
    column = pl.Series(cells, dtype=pl.Float64).cast(dtype)
    assert texts_of(column)[0].to_list() == [text_of(cell) for cell in column.to_list()]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"), (-3.0, "-3"), (1e21, "1" + "0" * 21), (1e22, "1e+22"), (0.1, "0.1"), ("3.0", "3"), ("-12.0", "-12"), ("03.0", "03.0"), ("3.00", "3.00"),
        ("3.0\n", "3"), (Decimal("3.50"), "3.5"), (Decimal("-0.00"), "0"),
        (Decimal("100"), "100"), (Decimal("NaN"), None), (float("nan"), None), (None, None), (np.float64(2.0), "2"), (np.bool_(True), "true"),
        (False, "false"), (7, "7"), (DAY, "2024-02-29"), (dt.time(9, 5), "09:05:00"),
    ],
)  # fmt: skip
def test_one_value_has_one_spelling(value: object, text: str | None) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"x", object()])
def test_what_no_cell_holds_is_refused(value: object) -> None:
    with pytest.raises(Unreadable, match=f"a cell cannot hold a {type(value).__name__}"):
        text_of(value)


def test_a_column_of_lists_is_unreadable_cell_by_cell() -> None:
    texts, wrong = texts_of(pl.Series("tags", [["a"], None]))
    assert texts.to_list() == [None, None]
    assert wrong.to_list() == [True, False]
