"""FG366: the season in evidence."""

from __future__ import annotations

from check_cases import only
from series_cases import series_of

from fieldguide.parts.checks.fg366_season import SeasonInEvidence
from fieldguide.testing import check_check


def test_another_season_is_stronger():
    found = only(check_check(SeasonInEvidence(), series_of(seasons={"7": 0.2, "365": 0.5}), series_of()))
    assert found.sentence == "Steps a season of 7 apart correlate by 0.20, those 365 apart by 0.50."


def test_a_season_that_is_not_there_and_one_that_is_not_used():
    assert only(SeasonInEvidence().run(**series_of(seasons={"7": 0.02}))).sentence.startswith(
        "Steps a season of 7 apart hardly correlate (0.02)"
    )
    assert only(SeasonInEvidence().run(**series_of(season=1, seasons={"7": 0.7}))).remedy == "Set problem.season: 7."
    assert only(SeasonInEvidence().run(**series_of(season=1, seasons={}))).status == "not_applicable"
    assert only(SeasonInEvidence().run(**series_of(seasons={}))).status == "skipped"
