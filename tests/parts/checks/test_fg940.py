"""FG940: the new version is worse."""

from __future__ import annotations

from check_cases import only
from experiment_cases import refreshed

from fieldguide.parts.checks.fg940_refresh_worse import RefreshWorse
from fieldguide.testing import check_check


def test_a_worse_version_fires():
    finding = only(check_check(RefreshWorse(), {"refresh": refreshed(-0.05)}, {"refresh": refreshed(0.05)}))
    assert finding.sentence == (
        "The new version is worse on the newest 400 rows: ROC AUC 0.75 new, 0.8 old, difference [−0.06, −0.04]."
    )
    assert finding.remedy.startswith("Keep the old version")


def test_within_noise_nothing_is_said():
    assert only(RefreshWorse().run(refresh=refreshed(-0.005))).status == "passed"
