"""FG941: retraining is worth it."""

from __future__ import annotations

from check_cases import only
from experiment_cases import refreshed

from fieldguide.parts.checks.fg941_refresh_better import RefreshBetter
from fieldguide.testing import check_check


def test_a_better_version_is_told_with_its_folder():
    finding = only(check_check(RefreshBetter(), {"refresh": refreshed(0.05)}, {"refresh": refreshed(0.005)}))
    assert finding.severity == "info"
    assert "difference [0.04, 0.06]" in finding.sentence
    assert finding.remedy == "Try model.2 beside the old version in an experiment."
