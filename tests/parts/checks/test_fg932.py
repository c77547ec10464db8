"""FG932: the plan was changed after the start."""

from __future__ import annotations

from check_cases import only
from experiment_cases import judged

from fieldguide.parts.checks.fg932_plan_changed import PlanChanged
from fieldguide.testing import check_check


def test_a_changed_plan_fires():
    finding = only(check_check(PlanChanged(), {"judged": judged(changed=True)}, {"judged": judged()}))
    assert finding.sentence.startswith("experiment.yaml was changed after the phase began")
    assert finding.severity == "warning"
