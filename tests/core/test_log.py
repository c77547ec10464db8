"""Times and contracts of a log: what is a time and what is not, and when two contracts are one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import DataError
from fieldguide.core.online.log import cell_schema, contract_version, micros, utc
from fieldguide.core.table import Column

NOON = datetime(2024, 5, 1, 12)


@pytest.mark.parametrize(
    "said",
    [
        NOON, NOON.replace(tzinfo=UTC), NOON.replace(hour=14, tzinfo=timezone(timedelta(hours=2))), "2024-05-01T12:00:00Z",
        "2024-05-01 14:00+02:00", "2024-05-01T12:00", 1_714_564_800, 1_714_564_800.0,
    ],
)  # fmt: skip
def test_every_way_to_say_noon(said: Any) -> None:
    assert utc(said) == NOON and utc(said).tzinfo is None
    assert micros(utc(said)) == 1_714_564_800_000_000 == int(np.datetime64(NOON, "us").astype(np.int64))


def test_a_date_is_its_midnight_and_before_1970_counts_down() -> None:
    assert utc(date(2024, 5, 1)) == datetime(2024, 5, 1) == utc("2024-05-01")
    assert micros(datetime(1969, 12, 31, 23, 59, 59, 999_999)) == -1


@pytest.mark.parametrize("said", ["yesterday", "", True, float("nan"), float("inf"), 1e20, None, [], "2024-13-01"])
def test_what_is_no_time_is_refused_with_what_stood_there(said: Any) -> None:
    with pytest.raises(DataError) as caught:
        utc(said)
    assert caught.value.what == "a time cannot be read"
    assert caught.value.found == repr(said)
    with pytest.raises(DataError) as caught:
        utc(100 * "x")
    assert len(caught.value.found) == 60


def test_a_contract_is_another_where_a_column_is_read_otherwise() -> None:
    age = Column("age", "number")
    version = contract_version([age])
    assert len(version) == 8 and int(version, 16) >= 0
    others = [
        [Column("age", "category")], [Column("Age", "number")], [Column("age", "number", "ignore")], [age, age], [],
        [Column("age", "number", read={"decimal": ","})],
    ]  # fmt: skip
    assert len({version, *map(contract_version, others)}) == 7


def test_logged_cells_have_the_types_of_their_columns() -> None:
    kinds = {"number": pl.Float64, "boolean": pl.Boolean, "datetime": pl.Datetime("us"), "category": pl.String, "image": pl.String, "window": pl.List(pl.Float64)}  # fmt: skip
    found = cell_schema([*(Column(kind, kind) for kind in kinds), Column("wide", "window", read={"width": 2})])
    assert found == {**kinds, "wide": pl.List(pl.List(pl.Float64))}
