"""FG513: theta and exponential smoothing."""

from __future__ import annotations

from check_cases import only
from series_cases import forecast_bench, forecast_trial

from fieldguide.parts.checks.fg513_statistical_left_out import StatisticalLeftOut
from fieldguide.testing import check_check


def test_neither_was_tried(monkeypatch):
    bench, naive, theta = forecast_bench(0, 0, 0), forecast_trial("naive", 1.0), forecast_trial("theta", 0.9)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    found = only(
        check_check(
            StatisticalLeftOut(), {"bench": bench, "trials": [naive]}, {"bench": bench, "trials": [naive, theta]}
        )
    )
    assert found.remedy == "Raise budget.minutes, or name them under learners.use."
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert (
        only(StatisticalLeftOut().run(bench=bench, trials=[naive])).remedy
        == 'Install it by pip install "fieldguide[forecast]".'
    )
