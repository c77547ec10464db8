"""FG156: a horizon shorter than most delays."""

from __future__ import annotations

from check_cases import only
from join_cases import DELAY, joined

from fieldguide.parts.checks.fg156_short_horizon import ShortHorizon
from fieldguide.testing import check_check


def test_a_horizon_before_most_outcomes_is_told():
    short = {**DELAY, "within_horizon": 0.3, "median": 60.0, "wait": 170.0}
    finding = only(check_check(ShortHorizon(), joined(delay=short), joined()))
    assert finding.sentence == (
        "The horizon of 30 days holds 30 % of the outcomes that arrive at all within 200 days; half have arrived after 60, "
        "95 % after 170."
    )


def test_a_fixed_outcome_has_no_horizon():
    assert ShortHorizon().run(**joined(delay=None))[0].status == "not_applicable"
