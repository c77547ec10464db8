"""Datetimes: how they are spelled, what time they are, what a model sees of them."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide import parts
from fieldguide.core.errors import ConfigError
from fieldguide.core.table import Column
from fieldguide.core.transform import Recipe
from fieldguide.parts.modalities.datetime import calendar_of
from fieldguide.testing import check_modality
from fieldguide.testing.modality import check_scalar_path

DATETIME = parts.modality("datetime")
PLAIN = Column("x", "datetime")
RAW = [
    "2024-01-31",
    "2023-05-01 12:30",
    "",
    "2020-02-29",
    "x",
    "2024-03-01T00:00:00.5",
    "1999-12-31",
    "2021-06-15T01:00Z",
]
READS = [
    {},
    {"dayfirst": True},
    {"dayfirst": False},
    {"formats": ["%d.%m.%Y", "%Y-%m-%d"]},
    {"formats": "%d-%b-%y %I:%M %p"},
    {"formats": ["%Y%m%d", "%A, %d %B %Y", "%FT%T%z"]},
    {"unit": "s"},
    {"unit": "ns", "missing": ["3"]},
]


def read(values, **how):
    typed, broken = DATETIME.read(pl.Series("x", values), Column("x", "datetime", read=how))
    assert typed.dtype == pl.Datetime("us")
    return typed.to_list(), broken.to_list()


@pytest.mark.parametrize("how", READS)
def test_contract(how):
    raw = pl.Series("x", [*RAW, "31.1.2024", "3-Feb-24 3:05 PM", "20240131", "1700000000", "5/1/2020", "1/31/2024"])
    check_modality(DATETIME, raw, Column("x", "datetime", read=how))


@pytest.mark.parametrize(
    "raw",
    [
        pl.Series("x", [dt.date(2020 + k, 1 + k, 1 + 3 * k) for k in range(8)]),
        pl.Series("x", [dt.datetime(1950 + 9 * k, 1 + k, 1, k) for k in range(8)], dtype=pl.Datetime("ns")),
        pl.Series("x", [dt.datetime(2020, 1, k, tzinfo=dt.UTC) for k in range(1, 9)]).dt.convert_time_zone(
            "Asia/Tokyo"
        ),
    ],
)
def test_contract_of_native_types(raw):
    check_modality(DATETIME, raw)


def test_iso():
    times, broken = read(
        ["2024-1-5", "2024/01/05 7:30", "2024-01-05T07:30:01,25", "2024-01-05T07:30+05:30", "2024-01-05 24:00"]
    )
    assert times[:4] == [
        dt.datetime(2024, 1, 5),
        dt.datetime(2024, 1, 5, 7, 30),
        dt.datetime(2024, 1, 5, 7, 30, 1, 250_000),
        dt.datetime(2024, 1, 5, 2, 0),
    ]
    assert times[4] is None and broken == [False] * 4 + [True]


def test_days_that_do_not_exist_are_broken():
    assert read(["2023-02-29", "2024-02-29", "2024-13-01", "0000-01-01", "0001-01-01T00:00+10:00"])[1] == [
        True,
        False,
        True,
        True,
        True,
    ]


def test_day_and_month_are_not_guessed():
    assert read(["3/4/2024"]) == ([None], [True])
    assert read(["3/4/2024", "2024-04-03"], dayfirst=True)[0] == [dt.datetime(2024, 4, 3)] * 2
    assert read(["3/4/2024"], dayfirst=False)[0] == [dt.datetime(2024, 3, 4)]


def test_formats():
    assert read(["3-Feb-24 3:05 PM", "31-DEC-69 12:00 am"], formats=["%d-%b-%y %I:%M %p"])[0] == [
        dt.datetime(2024, 2, 3, 15, 5),
        dt.datetime(1969, 12, 31),
    ]
    check_scalar_path(DATETIME, ["31-Dec-69 1:00 AM", "31-Dec-68 12:59 PM"], Column("x", "datetime", read=READS[4]))
    assert read(["20240131", "2024-01-31"], formats=["%Y%m%d"]) == ([dt.datetime(2024, 1, 31), None], [False, True])
    assert read([20240131, 20240230], formats=["%Y%m%d"]) == ([dt.datetime(2024, 1, 31), None], [False, True])
    with pytest.raises(ConfigError, match=r"'%Y-%K' holds %K, which is not known"):
        read(["2024"], formats=["%Y-%K"])
    with pytest.raises(ConfigError, match="names the same part twice"):
        read(["2024"], formats=["%Y-%Y"])


def test_epochs():
    assert read([0, 86_400], unit="s")[0] == [dt.datetime(1970, 1, 1), dt.datetime(1970, 1, 2)]
    assert read(["1.5", "x", "1e30"], unit="ms") == (
        [dt.datetime(1970, 1, 1, 0, 0, 0, 1500), None, None],
        [False, True, True],
    )
    assert read([1]) == ([None], [True])
    with pytest.raises(ConfigError, match="no unit of time 'weeks'"):
        read([1], unit="weeks")


CLOCK = r"([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
texts = st.from_regex(r"[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,4}" + CLOCK)
others = st.datetimes() | st.dates() | st.floats() | st.integers(-(10**18), 10**18) | st.text(max_size=5)


@settings(max_examples=250, deadline=None)
@given(texts | others | st.datetimes().map(lambda time: time.strftime("%d-%b-%y %I:%M %p")), st.sampled_from(READS))
def test_one_value_reads_as_a_series_does(value, how):
    check_scalar_path(DATETIME, [value], Column("x", "datetime", read=how))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.datetimes(), min_size=2, max_size=5))
def test_calendar(times):
    seconds = DATETIME.cells(pl.Series(times, dtype=pl.Datetime("us")))
    expected = [[time.year, time.month, time.day, time.weekday(), time.hour] for time in times]
    assert calendar_of(seconds).tolist() == expected
    assert [calendar_of(seconds[row : row + 1])[0].tolist() for row in range(len(times))] == expected


DAYS = np.array([19_723.0, 19_724.0, 19_800.0, np.nan]) * 86_400.0  # 2024-01-01, 2024-01-02, 2024-03-18


def test_trees_see_days_since_the_first_and_the_parts_that_vary():
    encoder = DATETIME.fit({"sold_at": DAYS}, Recipe(scaling="none", missing="keep"))
    assert encoder.layout().numbers == ("sold_at days", "sold_at month", "sold_at day", "sold_at weekday")[:4]
    numbers = encoder.encode({"sold_at": DAYS})["numbers"]
    assert numbers[:3].tolist() == [[0, 1, 1, 0], [1, 1, 2, 1], [77, 3, 18, 0]]
    assert np.isnan(numbers[3]).all()


def test_networks_see_circles():
    encoder = DATETIME.fit({"sold_at": DAYS, "born": np.array([0.0, 1e8, 2e8, 3e8])}, Recipe())
    names = encoder.layout().numbers
    assert names[:3] == ("sold_at days", "sold_at month sin", "sold_at month cos") and names[-1] == "sold_at missing"
    assert "born year" in names and "born year sin" not in names and "born missing" not in names
    numbers = encoder.encode({"sold_at": DAYS, "born": np.full(4, 1e8)})["numbers"]
    assert numbers[3, :7].tolist() == [0.0] * 7 and numbers[:, -1].tolist() == [0, 0, 0, 1]
    march = names.index("sold_at month sin")
    assert numbers[2, march : march + 2] == pytest.approx([np.sin(np.pi / 3), np.cos(np.pi / 3)])
    assert DATETIME.fit({"sold_at": DAYS}, Recipe(dates="elapsed")).layout().numbers == (
        "sold_at days",
        "sold_at missing",
    )


def test_unknown_way():
    with pytest.raises(ConfigError, match="no way 'age' to encode datetimes"):
        DATETIME.fit({"x": DAYS}, Recipe(dates="age"))


def test_description():
    times = pl.Series(
        [dt.datetime(2024, 1, 1, 6), dt.datetime(2024, 1, 3), dt.datetime(2024, 1, 2), None], dtype=pl.Datetime("us")
    )
    facts = DATETIME.describe(times)
    assert (facts["n"], facts["missing"], facts["min"], facts["max"]) == (
        4,
        1,
        "2024-01-01 06:00:00",
        "2024-01-03 00:00:00",
    )
    assert facts["span_days"] == 1.75
    assert facts["gaps"] == {"median_days": 0.875, "largest_days": 1.0, "after": "2024-01-02 00:00:00"}
    assert facts["weekdays"] == [1, 1, 1, 0, 0, 0, 0] and facts["hours"][0] == 2 and facts["hours"][6] == 1
    assert facts["periods"]["period"] == "hour" and facts["periods"]["counts"] == [1, 1, 1]
