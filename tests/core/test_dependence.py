"""Dependence along time: seen where it is, not where it is not; intervals as wide as it takes."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.leaderboard import difference, judge
from fieldguide.core.problem import Output, Problem
from fieldguide.core.statistics.dependence import (
    Widening,
    dependence,
    less_sure,
    politis_white,
    pooled,
    stretches,
    widened,
    widening,
    widening_of,
)
from fieldguide.parts import find


def autoregression(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
    noise, path = rng.normal(size=n + 200), np.zeros(n + 200)
    for i in range(1, n + 200):
        path[i] = rho * path[i - 1] + noise[i] * np.sqrt(1 - rho**2)
    return path[200:]


def problem(metric: str = "rmse") -> Problem:
    task = find("tasks", "regression" if metric == "rmse" else "binary")()
    labels = () if metric == "rmse" else ("no", "yes")
    return Problem(outputs=(Output("y", task, labels, metric=find("metrics", metric)()),))


def judged(truth: np.ndarray, times: np.ndarray | None) -> dict:
    prediction = np.zeros((len(truth), 1))
    return judge(
        problem(), [truth], [prediction], np.arange(len(truth)), seed=0, rows="test", times=times, replicates=200
    )["scores"][0]


def test_independent_errors_are_left_alone():
    found = []
    for seed in range(60):
        rng, rows = np.random.default_rng([seed, 1]), np.arange(300)
        found.append(dependence(rng.standard_t(4, 300), rows, rows))
    assert sum(one is not None for one in found) <= 3


def test_a_level_that_moves_is_no_dependence_of_neighbours():
    rng, rows = np.random.default_rng(2), np.arange(800)
    assert dependence(rng.normal(size=800) + np.linspace(0, 0.4, 800), rows, rows) is None


def test_the_order_of_the_file_does_not_matter():
    rng, times = np.random.default_rng(3), np.arange(400)
    errors, order = autoregression(rng, 400, 0.7), rng.permutation(400)
    straight = dependence(errors, times, times)
    assert straight is not None and 0.55 < straight.correlation < 0.85
    assert dependence(errors[order], times[order], np.arange(400)) == straight


def test_a_unit_is_no_evidence_by_itself():
    rng = np.random.default_rng(4)
    units = np.repeat(np.arange(100), 6)
    errors = rng.normal(size=100)[units]
    assert dependence(errors, np.arange(600), units) is None
    assert dependence(errors, np.arange(600), np.arange(600)) is not None


def test_units_that_span_the_time_hide_no_common_shock():
    rng, times = np.random.default_rng(5), np.repeat(np.arange(120), 5)
    units = np.tile(np.arange(5), 120)
    errors = rng.normal(size=5)[units] + rng.normal(size=120)[times] + 0.3 * rng.normal(size=600)
    assert dependence(errors, times, units) is not None
    assert dependence(rng.normal(size=5)[units] + rng.normal(size=600), times, units) is None


def test_the_length_grows_with_the_memory():
    rng, rows = np.random.default_rng(6), np.arange(2000)
    lengths = [dependence(autoregression(rng, 2000, rho), rows, rows).length for rho in (0.5, 0.9, 0.97)]
    assert lengths == sorted(lengths) and lengths[0] < 120 < lengths[2]


def test_politis_white_of_an_autoregression_is_near_the_formula():
    rho, n = 0.6, 4000
    best = (1.5 * (2 * rho / (1 - rho**2)) ** 2 * n) ** (1 / 3)
    found = np.median([politis_white(autoregression(np.random.default_rng(k), n, rho)) for k in range(15)])
    assert found == pytest.approx(best, rel=0.25)


def test_stretches_hold_as_many_rows_each():
    times = np.random.default_rng(7).permutation(100)
    cut = stretches(times, 10, 0.25)
    assert np.bincount(cut).tolist() == [10] * 10
    assert sum(np.ptp(times[cut == i]) == 9 for i in range(10)) == 9  # and one goes round the end


def test_the_ratio_is_that_of_the_mean_of_an_autoregression():
    rows = np.arange(3000)
    ratios = []
    for seed in range(12):
        x = autoregression(np.random.default_rng([seed, 8]), 3000, 0.6)
        ratios.append(widening(lambda w, x=x: w @ x / w.sum(1), rows, rows, 60).ratio)
    assert np.mean(ratios) == pytest.approx((1 + 0.6) / (1 - 0.6), rel=0.15)


def test_units_within_a_stretch_are_counted_once():
    rng, units = np.random.default_rng(9), np.repeat(np.arange(200), 5)
    x = rng.normal(size=200)[units]
    found = widening(lambda w: w @ x / w.sum(1), np.arange(1000), units, 50)
    assert found.ratio == pytest.approx(1.0, abs=0.35)


def test_no_stretch_no_answer():
    rows = np.arange(50)
    assert widening(lambda w: w.sum(1), rows, rows, 40) is None
    assert pooled([None, None]) is None


def test_parts_are_weighed_by_what_they_know():
    found = pooled([Widening(2.0, 30.0, 5), None, Widening(5.0, 10.0, 5)])
    assert (found.ratio, found.freedom) == (2.75, 40.0)
    assert Widening(0.4, 20.0, 5).factor() == 1.0
    assert Widening(4.0, 1e9, 5).factor() == pytest.approx(2.0)


def test_an_interval_is_stretched_and_kept_within_the_metric():
    wider = Widening(4.0, 1e9, 5)
    assert widened(0.9, (0.8, 0.95), wider, 1.0, 0.0) == pytest.approx((0.7, 1.0))
    assert widened(0.9, (0.8, 0.95), None, 1.0, 0.0) == (0.8, 0.95)


def test_p_values_grow_with_the_interval():
    assert less_sure(0.05, 2.0) == pytest.approx(0.327, abs=0.01)
    assert 0 < less_sure(0.0, 2.0) < 1e-3 and less_sure(1.0, 3.0) == 1.0


def test_scores_say_how_their_interval_was_made():
    rng, times = np.random.default_rng(10), np.arange(600)
    plain, clean = judged(rng.normal(size=600), None), judged(rng.normal(size=600), times)
    assert "made" not in plain and "made" not in clean
    truth = autoregression(rng, 600, 0.9)
    before, after = judged(truth, None), judged(truth, times)
    assert np.ptp(after["interval"]) > 2 * np.ptp(before["interval"]) and after["value"] == before["value"]
    assert "neighbours in time err alike" in after["made"] and "stretches of" in after["made"]


def test_the_past_tells_of_few_sealed_rows():
    rng = np.random.default_rng(11)
    whole = autoregression(rng, 1500, 0.97)
    rows = np.arange(1500)

    def rmse(x: np.ndarray):
        return lambda w: np.sqrt(w @ x**2 / w.sum(1))

    found = dependence(whole, rows, rows)
    late = widening_of([(rmse(whole[1400:]), rows[1400:], rows[1400:])], found)
    both = widening_of(
        [(rmse(part), at, at) for part, at in ((whole[:1400], rows[:1400]), (whole[1400:], rows[1400:]))], found
    )
    assert both.factor() > 3 and both.length > late.length


def test_a_difference_is_less_sure_too():
    rng, times = np.random.default_rng(12), np.arange(600)
    truth = autoregression(rng, 600, 0.9)
    a, b = 0.2 * truth[:, None], 0.1 * truth[:, None]
    output = problem().output
    plain = difference(output, truth, a, b, times, seed=0)
    found = difference(output, truth, a, b, times, seed=0, times=times)
    assert found["value"] == plain["value"] and np.ptp(found["interval"]) > 1.5 * np.ptp(plain["interval"])
    assert found["p"] > plain["p"]


@pytest.mark.parametrize(("rho", "least"), [(0.0, 0.9), (0.8, 0.87)])
def test_coverage_of_intervals_along_time(rho, least):
    inside, rows = [], np.arange(500)
    for seed in range(60):
        x = autoregression(np.random.default_rng([seed, 13]), 500, rho)
        low, high = judged(x, rows)["interval"]
        inside.append(low <= 1.0 <= high)
    assert np.mean(inside) >= least  # the plain interval: 62 % at 0.8
