"""FG511: nothing beats repeating the last value."""

from __future__ import annotations

from check_cases import only
from series_cases import forecast_bench, forecast_trial

from fieldguide.parts.checks.fg511_repeat import NothingBeatsRepeat
from fieldguide.testing import check_check

NAIVE, LINEAR = forecast_trial("naive", 1.0), forecast_trial("nlinear", 0.9)


def case(value: float, low: float, high: float):
    return {"bench": forecast_bench(value, low, high), "trials": [NAIVE, LINEAR], "bar": LINEAR}


def test_nothing_beats_repeating():
    found = only(check_check(NothingBeatsRepeat(), case(-0.1, -0.2, -0.05), case(0.1, 0.05, 0.15)))
    assert found.sentence == (
        "Nothing beats repeating the last value; nlinear against repeating the last value: better by −0.1 [−0.2, −0.05] on 400 validation examples."
    )
    assert only(NothingBeatsRepeat().run(**case(0.1, -0.02, 0.2))).sentence.startswith(
        "Nothing clearly beats repeating"
    )


def test_alone_it_says_nothing():
    assert only(NothingBeatsRepeat().run(bench=forecast_bench(0, 0, 0), trials=[NAIVE], bar=NAIVE)).status == "skipped"
