"""FG921: two paths give different scores."""

from __future__ import annotations

from check_cases import only
from experiment_cases import judged

from fieldguide.parts.checks.fg921_scores_differ import ScoresDiffer
from fieldguide.testing import check_check


def case(n_unequal=40, where=None):
    identity = {
        "n": 1_000,
        "n_unequal": n_unequal,
        "n_missing": 0,
        "largest": 0.02,
        "tolerance": 1e-6,
        "where": where,
        "example": None,
    }
    return {"judged": judged(identity=identity)}


def test_unequal_scores_fire_with_the_column_they_lie_in():
    where = {"column": "device", "level": "= tablet", "share_of_unequal": 1.0, "share_unequal": 0.98}
    finding = only(check_check(ScoresDiffer(), case(where=where), case(0)))
    assert finding.sentence == (
        "40 of 1,000 scores differ between the paths, by 0.02 at most; 100 % of them lie where 'device' is = tablet."
    )
    assert finding.columns == ("device",)


def test_unequal_scores_everywhere_name_no_column():
    assert (
        only(ScoresDiffer().run(**case())).sentence == "40 of 1,000 scores differ between the paths, by 0.02 at most."
    )


def test_arms_that_are_not_one_system_have_nothing_to_compare():
    assert only(ScoresDiffer().run(judged=judged())).status == "not_applicable"
