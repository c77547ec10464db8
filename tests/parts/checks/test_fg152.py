"""FG152: events known later than they happened."""

from __future__ import annotations

from check_cases import only
from join_cases import joined, table

from fieldguide.parts.checks.fg152_known_later import KnownLater
from fieldguide.testing import check_check


def test_events_that_were_not_known_yet_are_counted():
    finding = only(check_check(KnownLater(), joined(table(n_late=37)), joined()))
    assert finding.sentence.startswith(
        "37 events were kept out of features: they had happened before a prediction time"
    )
    assert "orders.csv), where 8 % of the events are known late" in finding.sentence


def test_without_a_known_at_there_is_nothing_to_look_at():
    assert KnownLater().run(**joined(table(n_known_later=0)))[0].status == "not_applicable"
