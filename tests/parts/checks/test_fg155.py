"""FG155: events after the prediction time."""

from __future__ import annotations

from check_cases import only
from join_cases import joined, table

from fieldguide.parts.checks.fg155_events_after import EventsAfter
from fieldguide.testing import check_check


def test_events_after_the_prediction_time_are_counted():
    finding = only(check_check(EventsAfter(), joined(table(n_after=1200, n_at=1)), joined()))
    assert finding.sentence == (
        "1,200 events of 4,800 (25 %) lie at or after the last prediction time of their entity and reach no feature; a join by "
        "entity alone would have read them. 1 event carries the very prediction time and is kept out, too."
    )


def test_included_ties_are_said_to_count():
    finding = only(EventsAfter().run(**joined(table(n_after=2, n_at=5), same_time="include")))
    assert finding.sentence.endswith("5 events carry the very prediction time and count as known.")
