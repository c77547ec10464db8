"""FG812: how far ahead a forecast is worth something."""

from __future__ import annotations

from check_cases import only
from series_cases import forecasts_of

from fieldguide.parts.checks.fg812_useful_horizon import UsefulHorizon
from fieldguide.testing import check_check


def steps(*lows: float | None) -> list[dict]:
    clean = forecasts_of()["facts"]["forecasts"]["by_step"][0]
    return [{**clean, "step": i, "to": i, "gain_interval": [low, 1.0]} for i, low in enumerate(lows, 1)]


def test_no_step_is_better_than_the_last_value():
    found = only(check_check(UsefulHorizon(), forecasts_of(by_step=steps(-0.1, -0.2, -0.3)), forecasts_of()))
    assert (
        found.sentence == "At none of 3 steps is the forecast better than repeating the last value (error 1 against 2)."
    )
    assert (
        found.remedy == "Ship naive: on these rows nothing beats repeating the last value."
        and found.severity == "warning"
    )


def test_the_far_end_is_worth_nothing():
    found = only(UsefulHorizon().run(**forecasts_of(by_step=steps(0.2, 0.1, -0.3))))
    assert (
        found.sentence == "From step 3 of 3 on the forecast is not clearly better than repeating the last value."
        and found.severity == "info"
    )
    assert only(UsefulHorizon().run(**forecasts_of(by_step=steps(None, None)))).status == "skipped"
