"""FG512: the seasonal rule is enough."""

from __future__ import annotations

from check_cases import only
from series_cases import forecast_bench, forecast_trial

from fieldguide.parts.checks.fg512_season_is_enough import SeasonIsEnough
from fieldguide.testing import check_check

NAIVE, LINEAR, RULE = (
    forecast_trial("naive", 1.0),
    forecast_trial("nlinear", 0.9),
    forecast_trial("seasonal_naive", 0.95, season=7),
)


def case(value: float, low: float, high: float, bar=LINEAR):
    return {"bench": forecast_bench(value, low, high), "trials": [NAIVE, LINEAR, RULE], "bar": bar}


def test_the_bar_is_not_clearly_better_than_the_season():
    found = only(check_check(SeasonIsEnough(), case(0.05, -0.01, 0.1), case(0.1, 0.05, 0.15)))
    assert (
        found.sentence
        == "The seasonal rule is not clearly beaten; nlinear against repeating the last season: better by 0.05 [−0.01, 0.1]."
    )


def test_the_season_is_the_bar_or_is_none():
    assert (
        only(SeasonIsEnough().run(**case(0.1, 0.05, 0.2, RULE))).sentence
        == "Repeating the last season is the best of 3 baselines."
    )
    assert only(SeasonIsEnough().run(**case(-0.1, -0.2, -0.05))).status == "passed"
    without = {**case(0.1, 0.05, 0.2), "trials": [NAIVE, LINEAR]}
    assert only(SeasonIsEnough().run(**without)).status == "not_applicable"
