"""Declared slices become masks over rows."""

from __future__ import annotations

import polars as pl
import pytest

from fieldguide.core.errors import ConfigError
from fieldguide.core.slices import slices_of
from fieldguide.core.table import Column, Table

TABLE = Table(
    pl.DataFrame({"sex": ["f", "m", None, "m"], "age": [10.0, 20.0, 30.0, 40.0]}),
    (Column("sex", "category"), Column("age", "number")),
)


def test_a_category_is_cut_by_its_levels_and_a_number_by_its_quartiles() -> None:
    found = {name: mask.tolist() for name, mask in slices_of(TABLE, ["sex", "age"]).items()}
    assert found == {
        "sex is missing": [False, False, True, False],
        "sex = f": [True, False, False, False],
        "sex = m": [False, True, False, True],
        "age = 10.0": [True, False, False, False],
        "age = 20.0": [False, True, False, False],
        "age = 30.0": [False, False, True, False],
        "age = 40.0": [False, False, False, True],
    }


def test_an_expression_is_a_slice_of_the_rows_where_it_holds() -> None:
    assert slices_of(TABLE, ["sex = 'm' and age > 20"])["sex = 'm' and age > 20"].tolist() == [
        False,
        False,
        False,
        True,
    ]


def test_an_expression_over_no_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="height"):
        slices_of(TABLE, ["height > 3"])
