"""FG813: series that are forecast worse than by repeating."""

from __future__ import annotations

from check_cases import only
from series_cases import forecasts_of

from fieldguide.parts.checks.fg813_worse_series import WorseSeries
from fieldguide.testing import check_check


def test_series_that_are_worse():
    clean = forecasts_of()["facts"]["forecasts"]["by_series"]
    found = only(
        check_check(WorseSeries(), forecasts_of(by_series=[{**clean[0], "ratio": 1.5}, clean[1]]), forecasts_of())
    )
    assert (
        found.sentence == "1 series of 2 is forecast worse than by repeating the last value: 'a' by 50 %."
        and found.severity == "warning"
    )
    assert only(WorseSeries().run(**forecasts_of(n_series=1))).status == "not_applicable"
