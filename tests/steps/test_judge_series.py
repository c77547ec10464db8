"""Intervals of forecasts, and what is told of errors by step and by series."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.series.frequency import DAY, Frequency
from fieldguide.core.series.panel import Examples, Panel
from fieldguide.steps.finalize.series import forecast_facts, interval_of

N, H, W = 3000, 4, 30


@pytest.fixture(scope="module")
def noise() -> Examples:
    """Two series of noise about a level, one a hundred times as large."""
    rng = np.random.default_rng(0)
    series = [10 + rng.normal(size=N), 1000 + 100 * rng.normal(size=N)]
    starts = np.array([0, N, 2 * N])
    panel = Panel(
        ("a", "b"), np.concatenate(series), starts, np.tile(np.arange(N) * DAY, 2), starts[:-1], units=np.arange(2)
    )
    panel = panel.scaled("seasonal", 1, 500 * DAY)
    return Examples(panel, panel.origins(W, H), W, H, 1, Frequency("microseconds", DAY))


def answers(examples: Examples, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return truths, and the mean of each window as the forecast."""
    past = np.asarray(examples.cells(rows)["history"])
    return np.asarray(examples.truth(rows)), np.repeat(past.mean(1, keepdims=True), H, axis=1)


def parts(examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    times = examples.panel.times_at(examples.origins)
    return np.flatnonzero(times < 1500 * DAY), np.flatnonzero(times >= 1520 * DAY)


def test_an_interval_holds_as_many_new_values_as_it_says(noise):
    known, new = parts(noise)
    interval = interval_of(noise, known, *answers(noise, known))
    assert len(interval["low"]) == H and max(interval["low"]) < 0 < min(interval["high"])
    truth, answer = answers(noise, new)
    facts = forecast_facts(noise, new, truth, answer, new // H, interval, seed=0)
    assert 0.88 < facts["coverage"]["share"] < 0.93
    low, high = facts["coverage"]["interval"]
    assert low < facts["coverage"]["share"] < high
    assert all(0.87 < step["coverage"] < 0.94 for step in facts["by_step"])


def test_few_independent_targets_make_a_wider_interval(noise):
    known, _ = parts(noise)
    few = known[np.isin(noise.panel.times_at(noise.origins)[known], np.arange(40, 60) * DAY)]
    widths = [
        np.array(one["high"]) - np.array(one["low"])
        for one in (interval_of(noise, rows, *answers(noise, rows)) for rows in (known, few))
    ]
    errors = np.subtract(*answers(noise, few))
    assert np.isfinite(widths[1]).all() and len(errors) == 2 * 20
    assert (
        interval_of(noise, few, *answers(noise, few), level=0.5)["high"][0]
        < interval_of(noise, few, *answers(noise, few))["high"][0]
    )


def test_errors_by_step_and_by_series_are_means_and_lines_are_in_the_series_unit(noise):
    _, new = parts(noise)
    truth, answer = answers(noise, new)
    facts = forecast_facts(
        noise, new, truth, answer, new // H, {"level": 0.9, "low": [-1.0] * H, "high": [1.0] * H}, seed=0
    )
    error = np.abs(truth - answer)
    assert [step["error"] for step in facts["by_step"]] == pytest.approx(error.mean(0).tolist())
    assert facts["against_repeat"]["error"] == pytest.approx(error.mean())
    assert facts["against_repeat"]["interval"][0] > 0  # the mean of a window beats its last value on noise
    by_series = {one["series"]: one for one in facts["by_series"]}
    assert by_series["b"]["error_in_unit"] == pytest.approx(100 * by_series["a"]["error_in_unit"], rel=0.1)
    line = next(one for one in facts["lines"] if one["series"] == "b")
    assert 500 < np.mean(line["truth"]) < 1500 and 500 < np.mean(line["forecast"]) < 1500
    assert len(line["times"]) == len(line["past"]) + H
    assert {one["why"] for one in facts["lines"]} == {"usual", "worst"}


def test_one_block_has_no_interval(noise):
    _, new = parts(noise)
    truth, answer = answers(noise, new[:4])
    facts = forecast_facts(
        noise, new[:4], truth, answer, np.zeros(4, int), {"level": 0.9, "low": [-1.0] * H, "high": [1.0] * H}, seed=0
    )
    assert facts["coverage"]["interval"] == [None, None] and facts["by_step"][0]["gain_interval"] == [None, None]
