"""Numbers: what a cell may say, what a column is, how it is scaled."""

import json
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldguide import parts
from fieldguide.core.errors import ConfigError
from fieldguide.core.table import Column
from fieldguide.core.transform import Recipe
from fieldguide.testing import check_modality
from fieldguide.testing.modality import check_scalar_path

NUMBER = parts.modality("number")
PLAIN = Column("x", "number")
GERMAN = Column("x", "number", read={"decimal": ",", "thousands": ".", "strip": ["€", "kg"], "missing": ["-", "-999"]})
RAW = pl.Series("x", ["1", "2.5", "", "4", "x", "6", "7", "8.5", "-3", "1e6", None, "inf"])


def read(values, column=PLAIN):
    typed, broken = NUMBER.read(pl.Series("x", values), column)
    return typed.to_list(), broken.to_list()


@pytest.mark.parametrize("column", [PLAIN, GERMAN, Column("x", "number", read={"thousands": " ", "strip": "$%"})])
def test_contract(column):
    check_modality(NUMBER, RAW, column)


@pytest.mark.parametrize(
    "raw", [[1, 2, None, 4] * 3, [1.5, float("nan"), 3.0, None] * 3, [True, False, None, True] * 3]
)
def test_contract_of_native_types(raw):
    check_modality(NUMBER, pl.Series("x", raw))


def test_text():
    values = [" 3 ", "1e5", "-.5", "5.", "+7", "inf", "nan", "?", "٣", "1,234", "1_000", "1e999", "0x10", "three"]
    numbers, broken = read(values)
    assert numbers[:5] == [3.0, 1e5, -0.5, 5.0, 7.0]
    assert numbers[5:] == [None] * 9
    assert broken == [False] * 5 + [True, False, False, True, True, True, True, True, True]


def test_marks_of_other_countries():
    numbers, broken = read(["1.234,5", "-€ 7", "12 kg", "1.23", "1.2.3", "1,5,5", "- ", "-999", "1.234.567"], GERMAN)
    assert numbers == [1234.5, -7.0, 12.0, None, None, None, None, None, 1234567.0]
    assert broken == [False, False, False, True, True, True, False, False, False]


def test_thousands_apart():
    column = Column("x", "number", read={"thousands": " "})
    assert read(["1\u00a0234", "12 345 678", "1 2", "1234"], column)[0] == [1234.0, 12345678.0, None, 1234.0]


def test_native_types():
    assert read([1.0, float("inf"), float("nan"), None]) == ([1.0, None, None, None], [False, True, False, False])
    assert read([Decimal("0.1"), Decimal("2.50")])[0] == [0.1, 2.5]
    assert read([True, False])[0] == [1.0, 0.0]
    assert read(pl.Series(["1", "b"], dtype=pl.Categorical)) == ([1.0, None], [False, True])
    assert read([[1], None]) == ([None, None], [True, False])


def test_codes_for_missing_count_for_native_numbers():
    column = Column("x", "number", read={"missing": ["-999"]})
    assert read([1.0, -999.0], column) == ([1.0, None], [False, False])
    assert read(["1", "-999.0", "", "?"], column) == ([1.0, None, None, None], [False, False, False, True])
    assert NUMBER.read_value(-999, column) == (None, False)


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet="0123456789+-.,eE_ \t\u00a0€kg٣naif\n", max_size=8)
    | st.floats()
    | st.integers(-(2**63), 2**63 - 1)
)
@example("1,234")
@example(" 3 ")
@example("-€ 1.234,5")
@example("1.234\n")
def test_one_value_reads_as_a_series_does(value):
    for column in (PLAIN, GERMAN, Column("x", "number", read={"thousands": ",", "strip": "k^-]"})):
        check_scalar_path(NUMBER, [value], column)


def encoder_of(values, **recipe):
    return NUMBER.fit({"x": np.asarray(values, float)}, Recipe(**recipe))


def encoded(values, new, **recipe):
    return encoder_of(values, **recipe).encode({"x": np.asarray(new, float)})["numbers"]


def test_standard_and_robust_scaling():
    values = np.random.default_rng(0).gamma(2.0, size=500)
    near = np.linspace(values.min(), values.max(), 50)
    standard = encoded(values, near, scaling="standard")[:, 0]
    np.testing.assert_allclose(standard, (near - values.mean()) / values.std(), rtol=1e-6, atol=1e-7)
    low, middle, high = np.percentile(values, (25, 50, 75))
    robust = encoded(values, near, scaling="robust")[:, 0]
    np.testing.assert_allclose(robust, (near - middle) / ((high - low) / 1.3489795), rtol=1e-6, atol=1e-6)


def test_robust_scaling_of_mostly_equal_values_uses_the_standard_deviation():
    values = np.array([0.0] * 90 + [100.0] * 10)
    assert encoded(values, [100.0], scaling="robust")[0, 0] == pytest.approx(100 / values.std(), rel=1e-6)


def test_beyond_the_training_range_values_go_on_for_one_range_and_stay_finite():
    values = np.linspace(0.0, 10.0, 11)
    at = encoded(values, [10.0, 15.0, 20.0, 25.0, 1e300, -1e300], scaling="standard")[:, 0]
    assert at[0] < at[1] < at[2] == at[3] == at[4]
    assert at[5] == pytest.approx((-10 - 5) / values.std())


@pytest.mark.parametrize("scaling", ["none", "standard", "robust", "quantile"])
@pytest.mark.parametrize(
    "values", [[1.7e308, -1.7e308, 0.0, 1e300], [5e-324, 0.0, 1.0], [1.0, 1.0 + 2**-52], [1e30] + [1.0] * 50]
)
def test_extreme_numbers_stay_finite(values, scaling):
    assert np.isfinite(encoded(values, [*values, 1.7e308, -1.7e308, 0.0], scaling=scaling)).all()


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile"])
def test_a_constant_and_an_empty_column_are_zero(scaling):
    assert encoded([4.0, 4.0, np.nan], [4.0, 5.0, np.nan], scaling=scaling)[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert encoded([np.nan, np.nan], [4.0, np.nan], scaling=scaling).tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_quantile_scaling_agrees_with_scikit_learn():
    from sklearn.preprocessing import QuantileTransformer

    rng = np.random.default_rng(1)
    for values in (rng.lognormal(size=5000), rng.normal(size=120)):
        theirs = QuantileTransformer(n_quantiles=min(1000, len(values)), output_distribution="normal").fit(
            values[:, None]
        )
        new = np.sort(np.concatenate([values, np.quantile(values, rng.uniform(size=2000))]))
        expected = theirs.transform(new[:, None])[:, 0]
        ours = encoded(values, new, scaling="quantile")[:, 0]
        np.testing.assert_allclose(ours, expected, atol=0.02)
        assert np.abs(ours - expected).mean() < 2e-3
    assert encoded(values, [-1e9, 1e9], scaling="quantile")[:, 0].tolist() == pytest.approx([-5.1993, 5.1993], abs=1e-4)


def test_quantile_scaling_puts_equal_values_at_the_middle_of_their_ranks():
    values = np.array([0.0] * 60 + list(np.linspace(1, 2, 40)))
    at_zero = encoded(values, [0.0], scaling="quantile")[0, 0]
    assert at_zero == pytest.approx(-0.53, abs=0.02)  # the normal quantile of 0.298


def test_missing_becomes_zero_with_an_indicator_only_where_training_had_some():
    train = {"age": np.array([1.0, np.nan, 3.0]), "pay": np.array([1.0, 2.0, 3.0])}
    encoder = NUMBER.fit(train, Recipe())
    assert encoder.layout().numbers == ("age", "pay", "age missing")
    numbers = encoder.encode({"age": np.array([np.nan, 2.0]), "pay": np.array([np.nan, 2.0])})["numbers"]
    assert numbers.tolist() == [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    kept = NUMBER.fit(train, Recipe(scaling="none", missing="keep"))
    assert kept.layout().numbers == ("age", "pay")
    assert np.isnan(kept.encode(train)["numbers"][1, 0])


def test_unknown_ways_are_named():
    with pytest.raises(ConfigError, match=r"no scaling 'log'.*use one of none, standard, robust, quantile"):
        encoder_of([1.0], scaling="log")
    with pytest.raises(ConfigError, match=r"no way 'mean' to encode missing"):
        encoder_of([1.0], missing="mean")


def test_description():
    facts = NUMBER.describe(pl.Series([0.0, -1.0, *np.linspace(0, 10, 97), 1000.0, None]))
    assert (facts["n"], facts["missing"], facts["zeros"], facts["negatives"], facts["outliers"]) == (101, 1, 2, 1, 1)
    assert facts["min"] == -1.0 and facts["max"] == 1000.0
    assert facts["quantiles"]["50%"] == pytest.approx(4.948, abs=1e-3)
    assert facts["sd"] == pytest.approx(np.std([0.0, -1.0, *np.linspace(0, 10, 97), 1000.0], ddof=1))
    assert sum(facts["histogram"]["counts"]) == 100
    assert len(facts["histogram"]["edges"]) == len(facts["histogram"]["counts"]) + 1 <= 31


def test_a_histogram_of_few_whole_numbers_has_a_bin_each():
    assert NUMBER.describe(pl.Series([1.0, 1.0, 3.0]))["histogram"] == {
        "edges": [0.5, 1.5, 2.5, 3.5],
        "counts": [2, 0, 1],
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=12))
@example([1.7976931348623157e308, -1.7976931348623157e308])
def test_any_column_can_be_described_and_encoded(values):
    json.dumps(NUMBER.describe(pl.Series(values, dtype=pl.Float64)), allow_nan=False)
    for scaling in ("standard", "robust", "quantile"):
        assert np.isfinite(encoded(values, [*values, 0.0], scaling=scaling)).all()
