"""From rows to regular series: what is counted, what is refused, and which row is named."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import DataError
from fieldguide.core.series.lay_out import lay_out

DAYS = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]").astype("datetime64[us]")


def rows(values=None, days=DAYS, **more) -> pl.DataFrame:
    values = np.arange(float(len(days))) if values is None else values
    return pl.DataFrame({"day": pl.Series(days), "y": pl.Series(values, dtype=pl.Float64, nan_to_null=True), **more})


def laid(frame: pl.DataFrame, series=(), targets=("y",), known=(), static=()):
    return lay_out(frame, "day", series, targets, known, static)


def test_rows_out_of_order_give_the_same_series_and_are_counted():
    frame = rows()
    turned = laid(frame.reverse())
    np.testing.assert_array_equal(turned.panel.values, laid(frame).panel.values)
    assert turned.facts["n_unsorted"] == 59 and turned.facts["first_unsorted"] == 1
    assert laid(frame).facts["n_unsorted"] == 0


def test_gaps_are_steps_without_a_value():
    found = laid(pl.concat([rows()[:10], rows()[14:]]))
    assert np.isnan(found.panel.values).sum() == 4 and len(found.panel.values) == 60
    assert found.facts["n_missing"] == 4 and found.facts["gaps"] == [{"series": "y", "steps": 4, "from": "2024-01-11"}]


def test_equal_rows_count_once_and_a_few_other_values_are_told():
    twice = pl.concat([rows(), rows()[3:4]])
    assert laid(twice).facts["n_repeated"] == 1
    days = np.arange("2020-01-01", "2022-01-01", dtype="datetime64[D]").astype("datetime64[us]")
    other = rows(days=days)
    corrected = pl.concat([other, other[3:4].with_columns(y=pl.lit(99.0))])
    found = laid(corrected)
    assert found.panel.values[3] == 99.0  # the last row of the file counts
    assert found.facts["conflicts"] == [{"rows": [3, len(days)], "series": "", "time": "2020-01-04"}]


def test_two_series_without_a_name_are_refused_with_the_rows_and_the_column_that_could_tell():
    both = pl.concat([rows(shop=["a"] * 60), rows(np.arange(60.0) + 5, shop=["b"] * 60)])
    with pytest.raises(
        DataError,
        match=r"rows 0 and 60 have the same time, 2024-01-01, and different values.*60 such pairs.*data.series: shop",
    ):
        laid(both)
    assert laid(both, series=("shop",)).panel.names == ("a", "b")


def test_several_targets_are_series_of_one_unit():
    frame = rows(z=np.arange(60.0) * 2, shop=["a"] * 30 + ["b"] * 30)
    found = laid(frame, ("shop",), ("y", "z"))
    assert found.panel.names == ("a · y", "a · z", "b · y", "b · z")
    assert found.panel.units.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(found.panel.series(3), np.arange(30.0, 60) * 2)


def test_times_without_a_step_are_refused_with_the_first_row():
    rng = np.random.default_rng(0)
    days = (np.sort(rng.integers(0, 10**13, 80)) + 1).astype("datetime64[us]")
    with pytest.raises(
        DataError, match=r"the times in column 'day' have no regular step.*row \d+ at .* does not.*sum or average"
    ):
        laid(rows(days=days))


def test_a_missing_time_and_a_missing_name_say_their_row():
    days = pl.Series(DAYS).scatter(7, None)
    with pytest.raises(DataError, match="column 'day' has no time in 1 rows, such as row 7"):
        laid(rows(days=days))
    with pytest.raises(DataError, match="column 'shop' names no series in 1 rows, such as row 2"):
        laid(rows(shop=["a", "a", None, *["a"] * 57]), ("shop",))


def test_one_date_far_away_is_refused_with_its_row():
    days = DAYS.copy()
    days[-1] = np.datetime64("2990-01-01")
    with pytest.raises(
        DataError, match=r"has 60 rows on 352,.* steps of 1 day.*row 59 at 2990-01-01 follows 2024-02-28"
    ):
        laid(rows(days=days))


def test_static_columns_stay_static():
    frame = rows(shop=["a"] * 30 + ["b"] * 30, size=[1.0] * 30 + [2.0] * 30)
    assert laid(frame, ("shop",), static=("size",)).statics["size"].to_list() == [1.0, 2.0]
    changing = frame.with_columns(size=pl.Series([1.0] * 29 + [3.0] + [2.0] * 30))
    with pytest.raises(DataError, match=r"column 'size' changes within series 'a'.*values 1.0, 3.0"):
        laid(changing, ("shop",), static=("size",))


def test_no_value_at_all_is_refused():
    with pytest.raises(DataError, match="no value is known of y"):
        laid(rows(np.full(60, np.nan)))


def test_rows_of_the_future_are_known_steps_without_a_value():
    values = np.where(np.arange(60) < 50, np.arange(60.0), np.nan)
    found = laid(rows(values, holiday=np.arange(60.0)), known=("holiday",))
    assert len(found.panel.values) == 50 and found.panel.known.shape == (60, 1)
