"""FG938: the relation itself changed."""

from __future__ import annotations

from check_cases import only
from experiment_cases import gap

from fieldguide.parts.checks.fg938_gap_unexplained import GapUnexplained
from fieldguide.testing import check_check


def test_a_part_beyond_noise_fires():
    finding = only(check_check(GapUnexplained(), {"gap": gap(rest=-0.04)}, {"gap": gap(rest=-0.004)}))
    assert finding.sentence == (
        "Neither who is asked nor engineering explains −0.04 of ROC AUC [−0.05, −0.03] of the gap: the relation itself changed."
    )
    assert finding.severity == GapUnexplained.severity


def test_a_part_that_helps_is_only_told():
    assert only(GapUnexplained().run(gap=gap(rest=0.04))).severity == "info"


def test_a_part_that_cannot_be_told_says_why():
    finding = only(GapUnexplained().run(gap=gap(rest=None)))
    assert finding.status == "not_applicable"
    assert "nothing was logged" in finding.sentence


def test_what_other_parts_could_not_tell_is_no_proof_of_a_change():
    finding = only(GapUnexplained().run(gap=gap(rest=-0.04, drift=None, feedback=None)))
    assert finding.severity == "info"
    assert "feedback and drift could not be told and may be it" in finding.sentence
