"""What a packaged forecast is asked by raw rows: windows, what does not change, what is known, and what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.errors import ContractError, DataError
from fieldguide.core.series.ahead import Ahead, ahead, spread
from fieldguide.core.series.panel import HISTORY, KNOWN, OBSERVED
from fieldguide.core.table import Column

START = np.datetime64("2024-01-01", "us")
DAY = np.timedelta64(1, "D")


def rows(shop: str, n: int, coming: int = 0, size: float = 1.0, **changed: Any) -> pl.DataFrame:
    day = START + np.arange(n + coming) * DAY
    cells = {
        "shop": [shop] * (n + coming), "day": day, "size": [size] * (n + coming), "price": np.arange(n + coming) + 0.5,
        "seen": np.arange(n + coming) * 1.0, "sold": [*(np.arange(n) * size), *[None] * coming],
    }  # fmt: skip
    return pl.DataFrame({**cells, **changed})


def spec(**changed: Any) -> dict[str, Any]:
    kinds = {"shop": ("category", "group"), "day": ("datetime", "time"), "size": ("number", "feature"), "price": ("number", "feature"), "seen": ("number", "feature"), "sold": ("number", "target")}  # fmt: skip
    columns = [Column(name, kind, role).to_dict() for name, (kind, role) in kinds.items()]
    return {
        "columns": columns, "time": "day", "series": ["shop"], "targets": ["sold"], "known": [], "static": ["size"], "observed": [],
        "calendar": [], "width": 0, "window": 3, "horizon": 2, "season": 1, "frequency": {"unit": "microseconds", "n": 86_400_000_000}, **changed,
    }  # fmt: skip


def asked(frame: pl.DataFrame, **changed: Any) -> Ahead:
    return ahead(frame, spec(**changed), parts.modality)


def test_a_model_is_asked_for_the_steps_after_each_series_own_end() -> None:
    found = asked(pl.concat([rows("b", 5, size=3.0), rows("a", 2, size=7.0)]))
    by_name = dict(zip(found.names, found.rows))
    assert by_name["b"] == {"series": "b", "day": "2024-01-05T00:00:00", HISTORY: [6.0, 9.0, 12.0], "size": 3.0}
    assert by_name["a"] == {"series": "a", "day": "2024-01-02T00:00:00", HISTORY: [0.0, 7.0], "size": 7.0}
    last = {"b": 4, "a": 1}
    for name, times, unit in zip(found.names, found.times, found.unit):
        coming = START + (last[name] + np.arange(1, 3)) * DAY
        assert np.array_equal(times, coming.astype(np.int64)) and unit == {"b": 3.0, "a": 7.0}[name]
    assert found.violations == ()


def test_what_is_known_beforehand_stands_beside_the_window_and_the_coming_steps() -> None:
    known = {"known": ["price"], "calendar": ["weekday"], "width": 2, "static": []}
    found = asked(rows("a", 2, coming=2), **known).rows[0]
    assert found[HISTORY] == [0.0, 1.0] and "size" not in found
    table = np.array(found[KNOWN])
    assert np.isnan(table[0, 0]) and table[1:, 0].tolist() == [0.5, 1.5, 2.5, 3.5]
    assert table[:, 1].tolist() == [6, 0, 1, 2, 3]  # from Sunday, before the series began; Monday is 0
    with pytest.raises(
        ContractError,
        match=r"of series 'a' is not given at 2024-01-04T00:00:00\. Rule: rows for the 2 coming steps have price, their targets empty\. Found: 1 of 2",
    ):
        asked(rows("a", 2, coming=1), **known)
    gap = rows("a", 2, coming=2, price=[0.5, 1.5, None, 3.5])
    with pytest.raises(ContractError, match=r"not given at 2024-01-03T00:00:00.*Found: 0 of 2"):
        asked(gap, **known)


def test_what_is_seen_only_in_the_past_is_told_where_nothing_of_it_is_there() -> None:
    found = asked(rows("a", 2), observed=["seen"], static=[])
    table = np.array(found.rows[0][OBSERVED])
    assert np.isnan(table[0, 0]) and table[1:, 0].tolist() == [0.0, 1.0] and found.violations == ()
    blind = asked(rows("a", 4, seen=[1.0, None, None, None]), observed=["seen"], static=[])
    (violation,) = blind.violations
    assert (violation.column, violation.values) == ("seen", ("series a",))
    assert violation.rule == "a number in any of the 3 steps that are looked at"


def test_rows_on_another_step_are_refused() -> None:
    hours = rows("a", 6, day=START + np.arange(6) * np.timedelta64(1, "h"))
    with pytest.raises(
        DataError,
        match=r"the rows stand on steps of .*hour.*Rule: this model forecasts steps of .*day.*Found: the longest series has 6 rows",
    ):
        asked(hours)


def test_forecasts_are_spread_over_rows_with_their_times_and_ends() -> None:
    found = asked(pl.concat([rows("b", 5, size=3.0), rows("a", 5, size=7.0)]))
    prediction = np.array([[1.0, 2.0], [3.0, 4.0]])
    frame = spread(found, prediction, {"low": [-1.0, -2.0], "high": [1.0, 3.0]}, True, "day")
    assert frame.columns == ["series", "day", "step", "prediction", "prediction_low", "prediction_high"]
    assert frame["series"].to_list() == [name for name in found.names for _ in range(2)]
    assert frame["day"].to_list()[:2] == [(START + k * DAY).item() for k in (5, 6)]
    unit = np.repeat(found.unit, 2)
    assert frame["prediction_low"].to_list() == (prediction.ravel() - unit * [1, 2, 1, 2]).tolist()
    assert frame["prediction_high"].to_list() == (prediction.ravel() + unit * [1, 3, 1, 3]).tolist()
    assert spread(found, prediction, None, False, "day").columns == ["day", "step", "prediction"]
