"""FG705: a search ended by the clock."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg705_search_cut import SearchCut
from fieldguide.testing import check_check

MADE = [{"stage": "coach"}, {"stage": "search"}]


def test_trials_that_were_not_made_are_counted():
    cut = {"moves": [*MADE, {"stage": "search", "skipped": "no time left for it"}], "unfinished": 1}
    finding = only(check_check(SearchCut(), {"facts": cut}, {"facts": {"moves": MADE, "unfinished": 0}}))
    assert finding.sentence == "1 trial of 3 was not made: the time was up."
    assert finding.severity == "info"


def test_without_trials_there_was_no_search():
    assert only(SearchCut().run(facts={"moves": [], "unfinished": 0})).status == "not_applicable"
