"""FG935: online is worse than was promised."""

from __future__ import annotations

from check_cases import only
from experiment_cases import gap

from fieldguide.parts.checks.fg935_online_worse import OnlineWorse
from fieldguide.testing import check_check


def test_a_worse_score_fires_with_its_largest_part():
    finding = only(check_check(OnlineWorse(), {"gap": gap(drift=-0.04, skew=0.01)}, {"gap": gap(0.05)}))
    assert finding.sentence == (
        "Online is worse than was promised: ROC AUC 0.75 online, 0.8 promised, difference [−0.06, −0.04]; "
        "the largest part is drift (−0.04)."
    )
    assert "refresh" in finding.remedy


def test_a_loss_that_rises_is_worse_and_one_that_falls_is_not():
    assert only(OnlineWorse().run(gap=gap(0.05, greater_is_better=False, feedback=0.05))).fired
    assert only(OnlineWorse().run(gap=gap(-0.05, greater_is_better=False))).status == "passed"


def test_within_noise_nothing_is_said():
    assert only(OnlineWorse().run(gap=gap(-0.005))).status == "passed"
