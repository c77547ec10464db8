"""FG903: features distributed otherwise in serving than in training."""

from __future__ import annotations

import polars as pl
from check_cases import only
from traffic_cases import rows, traffic

from fieldguide.parts.checks.fg903_serving_skew import ServingSkew
from fieldguide.testing import check_check


def test_a_column_that_is_served_otherwise_from_the_first_is_named():
    finding = only(check_check(
        ServingSkew(), {"traffic": traffic(rows(1_000, 2, mean=60))}, {"traffic": traffic(rows(1_000, 2))}
    ))  # fmt: skip
    assert finding.columns == ("age",) and finding.severity == "warning"
    assert "an index of 1.645, mean 44.91 before and 58.66 now" in finding.sentence


def test_levels_count_too_and_dates_do_not():
    moved = rows(1_000, 2, cities=("Lima", "Lima", "Lima", "Oslo")).with_columns(pl.col("joined").dt.offset_by("1y"))
    finding = only(ServingSkew().run(traffic=traffic(moved)))
    assert finding.columns == ("city",)


def test_a_small_shift_is_not_worth_a_word():
    assert only(ServingSkew().run(traffic=traffic(rows(4_000, 2, mean=46)))).status == "passed"


def test_the_same_distribution_is_quiet_whatever_the_draw():
    loud = [
        seed for seed in range(40) if only(ServingSkew().run(traffic=traffic(rows(1_000, 100 + seed), n_windows=4))).fired
    ]  # fmt: skip
    assert not loud


def test_rows_of_few_units_are_not_taken_for_many():
    few = pl.concat([rows(60, 5)] * 20)
    assert only(ServingSkew().run(traffic=traffic(few, n_units=60))).status == "not_applicable"
