"""FG904: features that drift while a model is served."""

from __future__ import annotations

import polars as pl
from check_cases import only
from traffic_cases import rows, traffic

from fieldguide.parts.checks.fg904_serving_drift import ServingDrift
from fieldguide.testing import check_check


def test_a_column_that_moves_along_serving_is_named():
    drifting = pl.concat([rows(500, 2), rows(500, 3, mean=50), rows(500, 4, mean=58)])
    finding = only(check_check(
        ServingDrift(), {"traffic": traffic(drifting, n_windows=3)}, {"traffic": traffic(rows(1_500, 2), n_windows=3)}
    ))  # fmt: skip
    assert finding.columns == ("age",) and "in the newest of 3 windows of serving than in the first" in finding.sentence


def test_skew_from_the_first_is_no_drift():
    assert only(ServingDrift().run(traffic=traffic(rows(1_500, 2, mean=60)))).status == "passed"


def test_one_window_cannot_drift():
    assert only(ServingDrift().run(traffic=traffic(rows(300, 2)))).status == "not_applicable"


def test_the_same_distribution_is_quiet_whatever_the_draw():
    assert not [seed for seed in range(40) if only(ServingDrift().run(traffic=traffic(rows(1_600, 200 + seed)))).fired]
