"""FG803: the gain over the baseline on the sealed rows."""

from __future__ import annotations

import pytest
from check_cases import only, problem_of

from fieldguide.parts.checks.fg803_gain_on_test import GainOnTest
from fieldguide.testing import check_check


def case(low, high, success=0.01, chosen="ensemble"):
    found = {"chosen": chosen, "bar": "boosting", "value": (low + high) / 2, "interval": [low, high], "n": 1_200}
    return {"problem": problem_of(success=success), "facts": {"difference": found}}


def test_a_choice_worse_than_the_baseline_warns():
    finding = only(check_check(GainOnTest(), case(-0.04, -0.02), case(0.02, 0.04)))
    assert finding.severity == "warning"
    assert finding.sentence == (
        "The chosen candidate is worse than the baseline; ensemble against boosting: −0.03 [−0.04, −0.02] on "
        "1,200 sealed rows."
    )


@pytest.mark.parametrize("low, high, verdict", [(0.001, 0.005, "no"), (0.0, 0.03, "cannot tell"), (0.02, 0.03, "yes")])
def test_verdicts(low, high, verdict):
    finding = only(GainOnTest().run(**case(low, high)))
    assert finding.evidence["verdict"] == verdict
    assert finding.severity == "info" or verdict == "yes"


@pytest.mark.parametrize("success, wanted", [(0.01, "the 0.01 worth shipping"), (0.0, "0")])
def test_what_is_wanted_is_told(success, wanted):
    assert f"cannot be told from {wanted};" in only(GainOnTest().run(**case(-0.01, 0.03, success))).sentence


def test_a_choice_that_is_the_baseline_has_no_gain():
    finding = only(GainOnTest().run(**case(0.0, 0.0, chosen="boosting")))
    assert finding.sentence == "The chosen candidate is the best baseline, boosting."
