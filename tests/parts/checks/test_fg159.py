"""FG159: features that read the future."""

from __future__ import annotations

from check_cases import only
from join_cases import joined, table

from fieldguide.parts.checks.fg159_naive_join import NaiveJoin
from fieldguide.testing import check_check


def test_a_join_without_the_filter_is_an_error():
    finding = only(check_check(NaiveJoin(), joined(table(n_after=1200), known_only=False), joined()))
    assert finding.severity == "error"
    assert (
        "features read all events of an entity, 1,200 of them at or after its last prediction time" in finding.sentence
    )
