"""FG905: features that are missing in serving more often than in training."""

from __future__ import annotations

import polars as pl
from check_cases import only
from traffic_cases import rows, traffic

from fieldguide.parts.checks.fg905_serving_coverage import ServingCoverage
from fieldguide.testing import check_check


def without(n: int, share: float) -> pl.DataFrame:
    """Rows of which the last `share` have no age."""
    frame = rows(n, 2).with_row_index()
    return frame.with_columns(age=pl.when(pl.col("index") >= n * (1 - share)).then(None).otherwise("age")).drop("index")


def test_a_column_that_stops_arriving_is_an_error_with_its_beginning():
    finding = only(check_check(
        ServingCoverage(), {"traffic": traffic(without(1_000, 0.5))}, {"traffic": traffic(rows(1_000, 2))}
    ))  # fmt: skip
    assert finding.columns == ("age",) and finding.severity == "error"
    assert "'age' in up to 100 % of a window's rows" in finding.sentence
    assert "first in the window from 2024-05-01 08:20" in finding.sentence


def test_a_few_more_missing_cells_are_a_warning():
    frame = (
        rows(2_000, 2).with_row_index().with_columns(age=pl.when(pl.col("index") % 5 == 0).then(None).otherwise("age"))
    )
    finding = only(ServingCoverage().run(traffic=traffic(frame.drop("index"))))
    assert finding.severity == "warning"


def test_chance_is_quiet():
    assert not [
        seed for seed in range(40) if only(ServingCoverage().run(traffic=traffic(rows(1_000, 300 + seed)))).fired
    ]
