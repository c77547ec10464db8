"""FG501: baselines left out."""

from __future__ import annotations

from check_cases import only, trial_of

from fieldguide.parts.checks.fg501_left_out import BaselinesLeftOut
from fieldguide.testing import check_check

TRIALS = [trial_of("prior", "trivial"), trial_of("linear")]


def test_a_baseline_that_was_not_tried_warns():
    finding = only(
        check_check(
            BaselinesLeftOut(),
            {"trials": TRIALS, "facts": {"left_out": ["boosting"]}},
            {"trials": TRIALS, "facts": {"left_out": []}},
        )
    )
    assert finding.sentence == "1 baseline ('boosting') was left out: the budget was spent."
    assert finding.severity == "warning"


def test_with_boosting_tried_the_rest_is_worth_knowing():
    trials = [*TRIALS, trial_of("boosting", "boosting"), trial_of("linear")]
    assert only(BaselinesLeftOut().run(trials=trials, facts={"left_out": ["neighbours"]})).severity == "info"
