"""Booleans: words for yes and no, one number each."""

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

BOOLEAN = parts.modality("boolean")
PLAIN = Column("x", "boolean")
DECLARED = Column("x", "boolean", read={"true": ["Ja", 2], "false": "-", "missing": ["weiß nicht"]})


@pytest.mark.parametrize("column", [PLAIN, DECLARED])
def test_contract(column):
    raw = ["yes", "ja", "No", "", " 1 ", "-", "0", "perhaps", "T", "2", None, "weiß nicht", "ja", "-"]
    check_modality(BOOLEAN, pl.Series("x", raw), column)


@pytest.mark.parametrize("raw", [[True, False, None, True] * 3, [1, 0, None, 2] * 3, [1.0, 0.0, float("nan"), 0.5] * 3])
def test_contract_of_native_types(raw):
    check_modality(BOOLEAN, pl.Series("x", raw))


def test_words():
    typed, broken = BOOLEAN.read(pl.Series("x", ["Yes", "FALSE", "1.0", "off", "?", "perhaps", "2"]), PLAIN)
    assert typed.to_list() == [True, False, True, False, None, None, None]
    assert broken.to_list() == [False] * 5 + [True] * 2


def test_declared_words_replace_the_usual_ones():
    typed, broken = BOOLEAN.read(pl.Series("x", ["ja", "2", "-", "yes", "weiß nicht", ""]), DECLARED)
    assert typed.to_list() == [True, True, False, None, None, None]
    assert broken.to_list() == [False, False, False, True, False, False]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["YES", "ſ", "İ", "ΟΣ", "K"])
    | st.text(max_size=4)
    | st.floats()
    | st.integers(-3, 3)
    | st.booleans()
)
def test_one_value_reads_as_a_series_does(value):
    check_scalar_path(BOOLEAN, [value], PLAIN)
    check_scalar_path(BOOLEAN, [value], DECLARED)


def test_encoding():
    train = {"x": np.array([1.0, 1.0, 1.0, 0.0, np.nan])}
    for scaling in ("standard", "robust", "quantile"):
        encoder = BOOLEAN.fit(train, Recipe(scaling=scaling))
        numbers = encoder.encode(train)["numbers"]
        assert encoder.layout().numbers == ("x", "x missing")
        assert numbers[:4, 0].mean() == pytest.approx(0, abs=1e-7) and numbers[:4, 0].std() == pytest.approx(1)
        assert numbers[4].tolist() == [0.0, 1.0]
    assert BOOLEAN.fit(train, Recipe(scaling="none")).encode(train)["numbers"][:, 0].tolist() == [1, 1, 1, 0, 0]


def test_description():
    facts = BOOLEAN.describe(pl.Series([True, True, False, None]))
    assert facts["shares"] == {"true": 0.5, "false": 0.25, "missing": 0.25}
