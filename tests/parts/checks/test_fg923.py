"""FG923: units strayed between the arms."""

from __future__ import annotations

from check_cases import only
from experiment_cases import judged

from fieldguide.parts.checks.fg923_strayed_units import StrayedUnits
from fieldguide.testing import check_check


def case(both=0, wrong=0, n=1_000):
    return {
        "judged": judged(
            strays={"both": both, "wrong": wrong, "n": n, "share_both": both / n, "share_wrong": wrong / n}
        )
    }


def test_many_strayed_units_are_an_error():
    finding = only(check_check(StrayedUnits(), case(both=30, wrong=500), case()))
    assert finding.severity == "error"
    assert finding.sentence == (
        "30 units of 1,000 were answered by more than one arm and 500 units of 1,000 were not in the arm dealt to them."
    )


def test_one_strayed_unit_is_told_and_no_alarm():
    assert only(StrayedUnits().run(**case(both=4, n=20))).severity == "info"
    finding = only(StrayedUnits().run(**case(both=1)))
    assert (finding.severity, finding.sentence) == ("info", "1 unit of 1,000 was answered by more than one arm.")
