"""FG944: warm-start updates do harm."""

from __future__ import annotations

from check_cases import only
from experiment_cases import updated

from fieldguide.parts.checks.fg944_updates_harm import UpdatesHarm
from fieldguide.testing import check_check


def test_a_schedule_that_is_worse_than_none_is_named_with_its_interval():
    finding = only(
        check_check(UpdatesHarm(), {"refresh": updated(-0.05, "never")}, {"refresh": updated(-0.005, "never")})
    )
    assert "worse than none: daily [−0.06, −0.04] on 900 rows" in finding.sentence
    assert finding.severity == "warning"


def test_without_schedules_nothing_is_said():
    (silent,) = UpdatesHarm().run(refresh={"updates": {"silence": "too few rows"}})
    assert silent.status == "not_applicable" and "too few rows" in silent.sentence
