"""Frames of other libraries: types that survive, and every kind of a missing cell as null."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import DataError
from fieldguide.core.files.foreign import frame_of_lists, frame_of_pandas, frame_of_rows

NOON = dt.datetime(2024, 2, 29, 12)
IN_TOKYO = NOON.replace(tzinfo=dt.timezone(dt.timedelta(hours=9)))


@pytest.mark.parametrize(
    ("cells", "dtype", "kept"),
    [
        ([True, None, False], pl.Boolean, [True, None, False]),
        ([None, None], pl.String, [None, None]),
        ([1, None, 2], pl.Int64, [1, None, 2]),
        ([1, 2**70], pl.String, ["1", str(2**70)]),
        ([1, 2.5, Decimal("0.5"), Decimal("NaN"), math.nan], pl.Float64, [1.0, 2.5, 0.5, None, None]),
        ([0.5, 10**400, -(10**400)], pl.Float64, [0.5, math.inf, -math.inf]),
        ([dt.date(2024, 2, 29), None], pl.Date, [dt.date(2024, 2, 29), None]),
        ([dt.date(2024, 2, 29), NOON, None], pl.Datetime("us"), [dt.datetime(2024, 2, 29), NOON, None]),
        ([IN_TOKYO, NOON], pl.Datetime("us"), [dt.datetime(2024, 2, 29, 3), NOON]),
        ([True, 1], pl.String, ["True", "1"]),
        ([1, "x", None], pl.String, ["1", "x", None]),
        (np.array([1.5, np.nan]), pl.Float64, [1.5, None]),
        (np.array([1, 2], np.int8), pl.Int8, [1, 2]),
        (np.array(["a", None], object), pl.String, ["a", None]),
        ([np.int64(3), np.float64(0.5)], pl.Float64, [3.0, 0.5]),
        (pl.Series([1, None]), pl.Int64, [1, None]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_cells_keep_the_type_they_share(cells: Any, dtype: pl.DataType, kept: list[Any]) -> None:
    column = frame_of_lists({"x": cells}, "the dict")["x"]
    assert (column.dtype, column.to_list()) == (dtype, kept)


def test_a_key_that_a_row_lacks_is_missing_there() -> None:
    found = frame_of_rows([{"b": 1}, {"a": "x", "b": None}])
    assert found.to_dict(as_series=False) == {"b": [1, None], "a": [None, "x"]}


@pytest.mark.parametrize("cells", ["text", b"bytes", 3])
def test_what_is_no_list_of_cells_is_named(cells: Any) -> None:
    with pytest.raises(DataError, match=rf"column 'x' is not a list of cells.*Found: a {type(cells).__name__}\."):
        frame_of_lists({"x": cells}, "the dict")


def test_a_pandas_column_alone_is_no_table() -> None:
    pd = pytest.importorskip("pandas")
    with pytest.raises(
        DataError, match=r"a pandas Series is not a table.*Found: 2 values without columns.*\.to_frame\(\)"
    ):
        frame_of_pandas(pd.Series([1, 2]))
    with pytest.raises(DataError, match="'a'"):
        frame_of_pandas(pd.DataFrame([[1, 2]], columns=["a", "a"]))
