"""FG367: series that make no example."""

from __future__ import annotations

from check_cases import only
from series_cases import series_of

from fieldguide.parts.checks.fg367_short_series import ShortSeries
from fieldguide.testing import check_check


def test_series_that_make_no_example():
    found = only(check_check(ShortSeries(), series_of(n_short=1, short=["c"], empty=["d"]), series_of()))
    assert found.sentence == "2 series of 3 make no example of 56 steps and 14 ahead: 'c', 'd'."
