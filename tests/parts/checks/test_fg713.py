"""FG713: no ageing is seen."""

from __future__ import annotations

from check_cases import only, problem_of

from fieldguide.parts.checks.fg713_no_decay import NoDecay
from fieldguide.testing import check_check


def case(high=0.012, p=0.4, success=0.0, silence=""):
    facts = {
        "decay": {"value": 0.001, "interval": [-0.01, high], "p": p},
        "title": "RMSE",
        "oldest": 9,
        "period": "month",
        "silence": silence,
    }
    return {"problem": problem_of(success=success), "facts": facts}


def test_what_could_have_been_missed_is_told():
    finding = only(check_check(NoDecay(), case(), case(p=0.001)))
    assert finding.sentence == "No ageing is seen over 9 months; a mean loss of more than 0.012 RMSE would have been."
    assert finding.remedy.startswith("Retrain when there is a reason to")


def test_a_bound_above_success_asks_for_more_history():
    assert only(NoDecay().run(**case(success=0.005))).remedy.startswith("Collect a longer history")


def test_silence_is_typed():
    assert only(NoDecay().run(**case(silence="no time"))).status == "not_applicable"
    assert only(NoDecay().run(**case(p=None))).status == "not_applicable"
