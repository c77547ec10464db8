"""FG151: units whose outcome is not in yet."""

from __future__ import annotations

from check_cases import only
from join_cases import joined

from fieldguide.parts.checks.fg151_immature import Immature
from fieldguide.testing import check_check


def test_immature_units_are_counted():
    fires = joined(n_immature=100, n_asked=1100, wait=9.0)
    finding = only(check_check(Immature(), fires, joined()))
    assert finding.severity == "info"
    assert finding.sentence == (
        "100 units of 1,100 (9.1 %) are left out as immature: the horizon of 30 days and 9 days for outcomes recorded late "
        "reach beyond the end of the outcomes' record."
    )


def test_many_are_a_warning_and_a_fixed_outcome_has_none():
    assert only(Immature().run(**joined(n_immature=600, n_asked=1600))).severity == "warning"
    assert Immature().run(**joined(until=None))[0].status == "not_applicable"
