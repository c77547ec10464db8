"""FG154: repeated or conflicting events."""

from __future__ import annotations

from check_cases import only
from join_cases import joined, table

from fieldguide.parts.checks.fg154_repeated_events import RepeatedEvents
from fieldguide.testing import check_check


def test_repeated_rows_warn():
    finding = only(check_check(RepeatedEvents(), joined(table(n_repeated=500, n_conflicting=3)), joined()))
    assert finding.severity == "warning"
    assert (
        "500 rows of 5,000 examined (10 %) repeat another in all joined columns, and 3 (0.1 %) differ"
        in finding.sentence
    )


def test_conflicts_alone_are_told():
    assert only(RepeatedEvents().run(**joined(table(n_conflicting=900)))).severity == "info"
