"""FG936: served scores are not those of the offline path."""

from __future__ import annotations

from check_cases import only
from experiment_cases import gap

from fieldguide.parts.checks.fg936_gap_skew import GapSkew
from fieldguide.testing import check_check


def test_a_part_beyond_noise_fires():
    finding = only(check_check(GapSkew(), {"gap": gap(skew=-0.04)}, {"gap": gap(skew=-0.004)}))
    assert finding.sentence == "What skew is: −0.04 of ROC AUC [−0.05, −0.03] of the gap."
    assert finding.severity == GapSkew.severity


def test_a_part_that_helps_is_only_told():
    assert only(GapSkew().run(gap=gap(skew=0.04))).severity == "info"


def test_a_part_that_cannot_be_told_says_why():
    finding = only(GapSkew().run(gap=gap(skew=None)))
    assert finding.status == "not_applicable"
    assert "nothing was logged" in finding.sentence
