"""FG361: steps that are missing."""

from __future__ import annotations

from check_cases import only
from series_cases import series_of

from fieldguide.parts.checks.fg361_gaps import SeriesGaps
from fieldguide.testing import check_check

GAPS = [{"series": "a", "steps": 3, "from": "2024-05-01"}]


def test_gaps_are_told_by_how_much_they_matter():
    few = only(check_check(SeriesGaps(), series_of(n_missing=4, n_gaps=2, gaps=GAPS), series_of()))
    assert few.sentence == "4 steps of 800 (0.5 %) are missing, in 2 gaps; the longest is 3 from 2024-05-01 on in 'a'."
    assert few.severity == "info"
    assert only(SeriesGaps().run(**series_of(n_missing=40, n_gaps=2, gaps=GAPS))).severity == "warning"
    long = [{**GAPS[0], "steps": 14}]
    assert only(SeriesGaps().run(**series_of(n_missing=4, n_gaps=1, gaps=long))).severity == "warning"
