"""FG945: the log hardly holds what the policy would do."""

from __future__ import annotations

import pytest
from check_cases import only

from fieldguide.parts.checks.fg945_little_overlap import LittleOverlap
from fieldguide.testing import check_check


def case(effective, n=10_000):
    one = {"estimator": "ips", "n": n, "n_effective": effective, "largest": 80.0}
    return {"off_policy": {"estimates": [one], "overlap": effective / n}}


def test_few_decisions_that_speak_for_all_fire():
    finding = only(check_check(LittleOverlap(), case(60.0), case(3_000.0)))
    assert finding.sentence == "10,000 logged decisions tell as much as 60 of the policy's own (largest weight 80)."


@pytest.mark.parametrize(
    ("effective", "n", "fired"), [(400.0, 10_000, True), (600.0, 10_000, False), (99.0, 150, True)]
)
def test_either_a_small_share_or_a_small_number_is_little(effective, n, fired):
    assert only(LittleOverlap().run(**case(effective, n))).fired is fired
