"""FG926: forward and back test disagree."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg926_forward_back import ForwardBack
from fieldguide.testing import check_check


def case(forward=0.02, back=0.001, p=0.002):
    same = forward * back > 0
    found = {
        "forward": forward,
        "back": back,
        "difference": forward - back,
        "error": 0.005,
        "p": p,
        "same_direction": same,
        "agree": same,
    }
    return {"verdict": {"agreement": found}}


def test_effects_of_different_size_fire():
    finding = only(check_check(ForwardBack(), case(), case(0.02, 0.018, 0.7)))
    assert finding.severity == "error"
    assert finding.sentence == "Forward and back test disagree in size: forward 0.02, back 0.001 (p 0.002)."


def test_opposite_directions_within_noise_are_a_warning():
    finding = only(ForwardBack().run(**case(0.002, -0.001, 0.6)))
    assert (finding.severity, finding.fired) == ("warning", True)
    assert "different directions" in finding.sentence


def test_other_designs_have_nothing_to_compare():
    assert only(ForwardBack().run(verdict={"agreement": None})).status == "not_applicable"
