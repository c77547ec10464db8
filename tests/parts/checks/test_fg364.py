"""FG364: level shifts."""

from __future__ import annotations

from check_cases import only
from series_cases import series_of

from fieldguide.parts.checks.fg364_level_shift import SeriesLevelShift
from fieldguide.testing import check_check


def test_a_level_that_shifts():
    shifted = series_of()["series"]["described"]
    shift = {"at": "1899", "before": 1097.75, "after": 849.97, "size": -1.94, "t": 7.3}
    shifted = [{**shifted[0], "shift": shift}, shifted[1]]
    found = only(check_check(SeriesLevelShift(), series_of(described=shifted), series_of()))
    assert found.sentence == "1 series of 2 shifts its level: 'a' from 1,098 to 850 at 1899 (1.9 standard deviations)."
    assert found.evidence["series"][0]["t"] == 7.3
