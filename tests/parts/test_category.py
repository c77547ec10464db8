"""Categories: one spelling for one level, codes by frequency."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide import parts
from fieldguide.core.table import Column
from fieldguide.core.transform import Recipe
from fieldguide.testing import check_modality
from fieldguide.testing.modality import check_scalar_path

CATEGORY = parts.modality("category")
PLAIN = Column("x", "category")


def levels(values, column=PLAIN):
    return CATEGORY.read(pl.Series("x", values), column)[0].to_list()


@pytest.mark.parametrize(
    "raw",
    [
        ["a", "b", "a", "", " b ", "c", "a", "b", "?", None],
        [1, 2, None, 1, 2, 3, 1, 1],
        [1.0, 2.5, float("nan"), None, 1e16, 1e22, -0.0, 1e-7],
        [True, False, None, True, False, True, True, True],
        [datetime.date(2024, 1, day) for day in range(1, 9)],
    ],
)
def test_contract(raw):
    check_modality(CATEGORY, pl.Series("x", raw))
    check_modality(CATEGORY, pl.Series("x", raw), Column("x", "category", read={"missing": ["a", "1"]}))


def test_a_number_is_the_same_level_whatever_its_type():
    for values in ([3.0], [3], ["3"], ["3.0"], [" 3 "]):
        assert levels(values) == ["3"]
    assert levels(["03", "3.00", "1.10", "-0.0", "10.0", "3.05"]) == ["03", "3.00", "1.10", "-0.0", "10", "3.05"]
    assert levels([2.5, -0.0, 1e15]) == ["2.5", "0", "1000000000000000"]


def test_native_categories_and_missing_tokens():
    assert levels(pl.Series(["a", "?", None], dtype=pl.Categorical)) == ["a", None, None]
    assert levels(["a", "?", ""], Column("x", "category", read={"missing": ["a"]})) == [None, "?", None]


def test_what_no_cell_holds_is_broken():
    typed, broken = CATEGORY.read(pl.Series("x", [[1], None]), PLAIN)
    assert (typed.to_list(), broken.to_list()) == ([None, None], [True, False])
    assert CATEGORY.read_value({"a": 1}, PLAIN) == (None, True)


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=6) | st.floats() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.dates() | st.datetimes()
)
def test_one_value_reads_as_a_series_does(value):
    check_scalar_path(CATEGORY, [value], PLAIN)


def cells(*values):
    return np.array(values, object)


def test_codes_go_by_frequency_then_name():
    train = {"x": cells("b", "b", "a", "a", "c", "c", "c", "rare", None)}
    encoder = CATEGORY.fit(train, Recipe(min_count=2))
    assert encoder.layout().codes == (("x", 5),)
    codes = encoder.encode({"x": cells("c", "a", "b", "rare", "never seen", None)})["codes"]
    assert codes[:, 0].tolist() == [2, 3, 4, 1, 1, 0]
    assert [int(encoder.encode({"x": cells(level)})["codes"][0, 0]) for level in ("c", "never seen", None)] == [2, 1, 0]


def test_max_levels_keeps_the_most_frequent():
    encoder = CATEGORY.fit({"x": cells(*"aaabbc")}, Recipe(min_count=1, max_levels=2))
    assert encoder.encode({"x": cells(*"abc")})["codes"][:, 0].tolist() == [2, 3, 1]


def test_description():
    facts = CATEGORY.describe(pl.Series(["a"] * 6 + ["b", "c", None]))
    assert (facts["n"], facts["missing"], facts["n_levels"]) == (9, 1, 3)
    assert facts["top"] == [{"level": "a", "count": 6}, {"level": "b", "count": 1}, {"level": "c", "count": 1}]
    assert facts["rare_share"] == 0.25
