"""FG928: the experiment cannot show its effect in time."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg928_underpowered import Underpowered
from fieldguide.testing import check_check


def case(units=10_000, days=14.0, shown=0.01, effect=0.01, silence=""):
    phases = [] if silence else [{"phase": "ab", "units": units, "days": days, "shown": shown}]
    return {"plan": {"power": {"silence": silence, "effect": effect, "phases": phases}}}


def test_a_phase_of_half_a_year_fires():
    finding = only(check_check(Underpowered(), case(days=180.0), case()))
    assert finding.sentence == "The ab phase needs 10,000 units, about 180 days of this traffic."


def test_too_few_planned_units_fire():
    assert "show 0.05, and 0.01 is worth knowing" in only(Underpowered().run(**case(shown=0.05))).sentence


def test_an_effect_that_nobody_named_is_told():
    finding = only(Underpowered().run(**case(units=None, effect=None, shown=0.02)))
    assert (finding.severity, finding.fired) == ("info", True)
    assert "would show 0.02" in finding.sentence


def test_without_a_log_nothing_is_known():
    assert only(Underpowered().run(**case(silence="nothing was logged yet"))).status == "skipped"
