"""FG362: repeats and disorder."""

from __future__ import annotations

from check_cases import only
from series_cases import series_of

from fieldguide.parts.checks.fg362_series_order import SeriesOrder
from fieldguide.testing import check_check


def test_rows_with_other_values_at_one_time():
    conflicts = [{"rows": [3, 80], "series": "a", "time": "2024-01-04"}]
    found = only(check_check(SeriesOrder(), series_of(n_conflicts=1, conflicts=conflicts), series_of()))
    assert found.sentence == (
        "1 pair of rows has the same series and time and different values, such as rows 3 and 80 at 2024-01-04; the last one counts."
    )
    assert found.severity == "warning"


def test_repeats_and_disorder_are_notes():
    found = only(SeriesOrder().run(**series_of(n_repeated=2, n_unsorted=7, first_unsorted=12)))
    assert (
        found.sentence
        == "2 rows repeat another and were left out; 7 rows stand out of order, the first in row 12, and were sorted."
    )
    assert found.severity == "info"
