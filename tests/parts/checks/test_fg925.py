"""FG925: a guardrail is breached."""

from __future__ import annotations

from check_cases import only
from experiment_cases import judged, measure

from fieldguide.parts.checks.fg925_guardrail import Guardrail
from fieldguide.testing import check_check


def case(breached):
    slow = measure("seconds", "guardrail", 0.2, 0.05, sign=-1, margin=0.1)
    return {"judged": judged(measures=[measure(), slow], breached=breached)}


def test_a_breach_fires_with_both_values_and_its_margin():
    finding = only(check_check(Guardrail(), case(["seconds"]), case([])))
    assert finding.severity == "error"
    assert finding.sentence == (
        "The guardrail 'seconds' is worse by more than 0.1: 0.1 in the control, 0.3 in the candidate, difference 0.2 [0.15, 0.25]."
    )


def test_before_the_end_the_interval_is_the_one_that_holds_at_every_look():
    finding = only(Guardrail().run(judged={**case(["seconds"])["judged"], "always": True}))
    assert "[0.1, 0.3]" in finding.sentence


def test_without_guardrails_there_is_nothing_to_breach():
    assert only(Guardrail().run(judged=judged())).status == "not_applicable"
