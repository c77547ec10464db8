"""FG711: the answer ages."""

from __future__ import annotations

import pytest
from check_cases import only, problem_of

from fieldguide.parts.checks.fg711_decay import Decay
from fieldguide.testing import check_check


def case(value=0.05, half=0.02, p=0.001, **more):
    facts = {
        "decay": {"value": value, "interval": [value - half, value + half], "p": p}, "score": 0.8, "best": 1.0, "title": "ROC AUC",
        "oldest": 12, "period": "week", "recommended": "monthly", "why": "it costs little", "silence": "",
    }  # fmt: skip
    return {"problem": more.pop("problem", problem_of()), "facts": {**facts, **more}}


def test_a_loss_that_is_sure_and_matters_fires_with_the_schedule():
    finding = only(check_check(Decay(), case(), case(p=0.2)))
    assert finding.sentence == "Without retraining ROC AUC is worse by 0.05 [0.03, 0.07] on average over 12 weeks."
    assert finding.remedy == "Retrain monthly: it costs little."
    assert finding.severity == "warning"


def test_a_loss_too_small_to_matter_passes():
    assert only(Decay().run(**case(0.003, 0.001))).status == "passed"
    assert only(Decay().run(**case(problem=problem_of(success=0.06)))).status == "passed"


@pytest.mark.parametrize("p", [None, 0.03])
def test_what_is_not_sure_passes(p):
    assert only(Decay().run(**case(p=p))).status == "passed"


def test_silence_is_typed():
    finding = only(Decay().run(**case(silence="90 rows do not fill 6 periods of 30 rows")))
    assert finding.status == "not_applicable"
    assert "90 rows" in finding.sentence
