"""FG931: what was known before differs between the arms."""

from __future__ import annotations

from check_cases import only
from experiment_cases import judged

from fieldguide.parts.checks.fg931_covariate_moved import CovariateMoved
from fieldguide.testing import check_check


def case(unbalanced=(), n=2):
    return {"judged": judged(covariates={"n": n, "used": not unbalanced, "unbalanced": list(unbalanced)})}


def test_a_score_from_before_that_differs_fires_and_is_not_used():
    finding = only(check_check(CovariateMoved(), case([{"covariate": "before_0", "p": 1e-6}]), case()))
    assert finding.sentence == "1 of 2 covariates from before differ between the arms: before_0 (p 1e-06)."


def test_without_a_before_there_is_nothing_to_compare():
    assert only(CovariateMoved().run(**case(n=0))).status == "not_applicable"
