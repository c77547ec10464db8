"""FG807: a score that is measured and not promised."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.problem import Output, Problem
from fieldguide.parts import find
from fieldguide.parts.checks.fg807_will_not_hold import WillNotHold
from fieldguide.testing import check_check

PROBLEM = Problem(outputs=(Output("y", find("tasks", "binary")(), ("no", "yes"), metric=find("metrics", "roc_auc")()),))
MEASURED = {"value": 0.66, "interval": [0.61, 0.72], "from": "2022-11-11", "to": "2022-12-31", "n": 448}
DECLINED = {
    "why": "the relation drifts",
    "measured": MEASURED,
    "forecast": {"low": 0.5, "high": 0.72, "added": 0.05, "days": 50.0},
}


def test_a_declined_promise_is_a_warning():
    finding = only(
        check_check(
            WillNotHold(), {"problem": PROBLEM, "facts": {"declined": DECLINED}}, {"problem": PROBLEM, "facts": {}}
        )
    )
    assert finding.severity == "warning"
    assert finding.sentence == (
        "This score will not hold: ROC AUC 0.66 [0.61, 0.72] from 2022-11-11 to 2022-12-31 was measured and is not promised, for the "
        "relation drifts; for the 50 days after, 0.5 to 0.72 is to be expected."
    )
    assert "Retrain" in finding.remedy


def test_without_a_forecast_none_is_told():
    finding = only(WillNotHold().run(problem=PROBLEM, facts={"declined": {**DECLINED, "forecast": None}}))
    assert finding.sentence.endswith("for the relation drifts.")
