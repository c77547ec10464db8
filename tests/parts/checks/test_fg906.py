"""FG906: categories in serving that training never saw."""

from __future__ import annotations

import polars as pl
from check_cases import only
from traffic_cases import rows, traffic

from fieldguide.parts.checks.fg906_new_levels import NewLevels
from fieldguide.testing import check_check


def test_a_new_level_is_named_with_its_share():
    new = rows(1_000, 2, cities=("Lima", "Oslo", "Quito", "Turin"))
    finding = only(check_check(NewLevels(), {"traffic": traffic(new)}, {"traffic": traffic(rows(1_000, 2))}))
    assert finding.columns == ("city",) and finding.severity == "warning"
    assert "such as 'Turin'; 0 % would be expected" in finding.sentence


def test_where_training_says_that_new_levels_come_they_are_no_news():
    training = rows(3_000, 1).with_columns(city=pl.format("street {}", pl.int_range(pl.len())))
    served = rows(1_000, 2).with_columns(city=pl.format("road {}", pl.int_range(pl.len())))
    assert only(NewLevels().run(traffic=traffic(served, training=training))).status == "passed"


def test_a_handful_is_no_finding():
    few = (
        rows(1_000, 2)
        .with_row_index()
        .with_columns(city=pl.when(pl.col("index") < 9).then(pl.lit("Turin")).otherwise("city"))
    )
    assert only(NewLevels().run(traffic=traffic(few.drop("index")))).status == "passed"
