"""FG811: coverage of intervals."""

from __future__ import annotations

from check_cases import only
from series_cases import forecasts_of

from fieldguide.parts.checks.fg811_interval_coverage import IntervalCoverage
from fieldguide.testing import check_check


def test_intervals_that_hold_too_few():
    few = {"level": 0.9, "share": 0.7, "n": 300, "interval": [0.6, 0.8]}
    found = only(check_check(IntervalCoverage(), forecasts_of(coverage=few), forecasts_of()))
    assert (
        found.sentence == "Too few: 70 % of 300 sealed values lie within the 90 % interval."
        and found.severity == "warning"
    )
    wide = {"level": 0.9, "share": 0.99, "n": 300, "interval": [0.98, 1.0]}
    assert only(IntervalCoverage().run(**forecasts_of(coverage=wide))).severity == "info"
    unknown = {"level": 0.9, "share": 0.5, "n": 300, "interval": [None, None]}
    assert only(IntervalCoverage().run(**forecasts_of(coverage=unknown))).status == "passed"
    assert only(IntervalCoverage().run(facts={})).status == "not_applicable"
