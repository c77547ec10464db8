"""FG503: a linear model is enough."""

from __future__ import annotations

from check_cases import bench_of, only, trial_of

from fieldguide.parts.checks.fg503_linear_is_enough import LinearIsEnough
from fieldguide.testing import check_check

BOTH = [trial_of("linear"), trial_of("boosting", "boosting")]


def case(low, high):
    return {"bench": bench_of(value=(low + high) / 2, low=low, high=high), "trials": BOTH}


def test_a_lead_that_may_be_chance():
    finding = only(check_check(LinearIsEnough(), case(-0.01, 0.03), case(0.01, 0.03)))
    assert (
        finding.sentence
        == "The linear model is as good as boosting: the difference of 0.01 [−0.01, 0.03] may be chance."
    )
    assert finding.severity == "info"


def test_a_linear_model_that_is_better():
    finding = only(LinearIsEnough().run(**case(-0.03, -0.01)))
    assert finding.sentence == "The linear model beats boosting by 0.02 [0.01, 0.03]."


def test_without_both_there_is_nothing_to_compare():
    assert only(LinearIsEnough().run(bench=bench_of(), trials=BOTH[:1])).status == "not_applicable"
