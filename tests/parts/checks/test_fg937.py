"""FG937: the model's own decisions chose what is seen."""

from __future__ import annotations

from check_cases import only
from experiment_cases import gap

from fieldguide.parts.checks.fg937_gap_feedback import GapFeedback
from fieldguide.testing import check_check


def test_a_part_beyond_noise_fires():
    finding = only(check_check(GapFeedback(), {"gap": gap(feedback=-0.04)}, {"gap": gap(feedback=-0.004)}))
    assert finding.sentence == "What feedback is: −0.04 of ROC AUC [−0.05, −0.03] of the gap."
    assert finding.severity == GapFeedback.severity


def test_a_part_that_helps_is_only_told():
    assert only(GapFeedback().run(gap=gap(feedback=0.04))).severity == "info"


def test_a_part_that_cannot_be_told_says_why():
    finding = only(GapFeedback().run(gap=gap(feedback=None)))
    assert finding.status == "not_applicable"
    assert "nothing was logged" in finding.sentence
