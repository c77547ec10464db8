"""FG920: the arms did not receive their shares."""

from __future__ import annotations

from check_cases import only
from experiment_cases import judged

from fieldguide.parts.checks.fg920_sample_ratio import SampleRatio
from fieldguide.testing import check_check


def test_cookie_cats_is_a_mismatch():
    finding = only(check_check(SampleRatio(), {"judged": judged((44_700, 45_489))}, {"judged": judged()}))
    assert finding.severity == "error"
    assert finding.sentence == (
        "The arms did not receive their shares (p 0.0086): control 44,700 instead of 45,094, candidate 45,489 instead of 45,094 units."
    )
    assert "A/A test" in finding.remedy


def test_nothing_is_said_before_a_unit_was_seen():
    assert only(SampleRatio().run(judged=judged((0, 0)))).status == "not_applicable"
