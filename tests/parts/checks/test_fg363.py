"""FG363: times between steps."""

from __future__ import annotations

from check_cases import only
from series_cases import series_of

from fieldguide.parts.checks.fg363_irregular_times import IrregularTimes
from fieldguide.testing import check_check


def test_times_between_steps():
    found = only(check_check(IrregularTimes(), series_of(n_off_grid=3, off_grid_rows=[17, 20, 30]), series_of()))
    assert found.sentence == "3 times of 800 stand between steps of 1 day, such as row 17; the nearest step was taken."
