"""FG943: warm-start updates are worth it."""

from __future__ import annotations

from check_cases import only
from experiment_cases import refreshed, updated

from fieldguide.parts.checks.fg943_updates_worth import UpdatesWorth
from fieldguide.testing import check_check


def test_the_schedule_that_is_worth_it_is_named():
    finding = only(check_check(UpdatesWorth(), {"refresh": updated(0.05, "daily")}, {"refresh": updated(0.0, "never")}))
    assert finding.sentence.startswith(
        "Warm-start updates are worth it, daily: daily updates are better than never by 0.05"
    )
    assert finding.remedy == "Refresh daily with --start warm."


def test_without_schedules_nothing_is_said():
    (silent,) = UpdatesWorth().run(refresh=refreshed(0.0))
    assert silent.status == "not_applicable"
