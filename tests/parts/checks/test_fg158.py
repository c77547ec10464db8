"""FG158: events without an entity or a time."""

from __future__ import annotations

from check_cases import only
from join_cases import joined, table

from fieldguide.parts.checks.fg158_unusable_events import UnusableEvents
from fieldguide.testing import check_check


def test_events_without_key_and_unreadable_cells_are_counted():
    finding = only(check_check(UnusableEvents(), joined(table(n_whole=4900, n_broken={"amount": 7})), joined()))
    assert finding.severity == "warning"
    assert finding.sentence == (
        "100 events have no entity or no time and are joined to nobody (at most 2 % of a table, join.features[0] (orders.csv)); "
        "7 cells could not be read and count as missing."
    )


def test_a_few_are_information():
    assert only(UnusableEvents().run(**joined(table(n_whole=4999)))).severity == "info"
