"""FG310: a gain too small to be seen."""

from __future__ import annotations

from check_cases import only, problem_of

from fieldguide.parts.checks.fg310_sensitivity import Sensitivity
from fieldguide.testing import check_check

PROFILE = {"metrics": [{"metric": "roc_auc", "title": "ROC AUC", "smallest_difference": 0.008}]}


def test_a_gain_that_the_rows_cannot_show_warns():
    fires = {"problem": problem_of(success=0.002), "profile": PROFILE}
    finding = only(check_check(Sensitivity(), fires, {"problem": problem_of(success=0.02), "profile": PROFILE}))
    assert finding.sentence == (
        "A gain of 0.002 in ROC AUC is worth shipping, but these rows can tell differences only from about 0.008."
    )
    assert finding.severity == "warning"


def test_without_a_stated_success_the_difference_is_told():
    finding = only(Sensitivity().run(problem=problem_of(), profile=PROFILE))
    assert finding.status == "not_applicable"
    assert "from about 0.008" in finding.sentence


def test_an_unknown_difference_is_skipped():
    unknown = {"metrics": [{**PROFILE["metrics"][0], "smallest_difference": None}]}
    assert only(Sensitivity().run(problem=problem_of(success=0.1), profile=unknown)).status == "skipped"
