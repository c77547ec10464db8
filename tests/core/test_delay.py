"""The delay curve: product-limit by brute force, statsmodels, and what a cure fraction does to quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from fieldguide.core.statistics.delay import DelayCurve, kaplan_meier

ROWS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=30)


def product_limit(rows: list[tuple[int, bool]], t: float) -> float:
    survived = 1.0
    for time in sorted({duration for duration, came in rows if came and duration <= t}):
        at_risk = sum(duration >= time for duration, _ in rows)
        survived *= 1 - sum(duration == time and came for duration, came in rows) / at_risk
    return 1 - survived


@given(ROWS)
def test_the_curve_is_the_product_limit(rows):
    curve = kaplan_meier(np.array([float(d) for d, _ in rows]), np.array([came for _, came in rows]))
    for t in np.arange(-0.5, 9.5, 0.5):
        assert curve.at(t) == pytest.approx(product_limit(rows, t), abs=1e-12)
    assert curve.n == len(rows) and curve.n_waiting == sum(not came for _, came in rows)
    assert (curve.low <= curve.arrived + 1e-12).all() and (curve.arrived <= curve.high + 1e-12).all()
    assert curve.followed == max(d for d, _ in rows)


@given(ROWS, st.sampled_from([0.1, 0.25, 0.5, 0.9, 0.95, 1.0]))
def test_quantile_and_wait_are_the_first_times_that_reach_their_share(rows, share):
    curve = kaplan_meier(np.array([float(d) for d, _ in rows]), np.array([came for _, came in rows]))
    ends = {t: product_limit(rows, t) for t in sorted({d for d, came in rows if came})}
    assert curve.quantile(share) == next((t for t, F in ends.items() if share - 1e-9 <= F), None)
    last = max(ends.values(), default=0.0)
    assert curve.wait(share) == next((t for t, F in ends.items() if share * last - 1e-9 <= F), None)


def test_it_agrees_with_statsmodels_and_greenwood():
    rng = np.random.default_rng(3)
    came, limit = rng.exponential(4, 400).round(1), rng.uniform(0, 8, 400).round(1)
    durations, observed = np.minimum(came, limit), came <= limit
    curve, reference = kaplan_meier(durations, observed), SurvfuncRight(durations, observed.astype(float))
    np.testing.assert_array_equal(curve.times, reference.surv_times)
    np.testing.assert_allclose(curve.arrived, 1 - reference.surv_prob, atol=1e-12)
    s, se = reference.surv_prob, reference.surv_prob_se
    alive = (s > 0) & (s < 1)
    spread = 1.959963984540054 * se[alive] / (s[alive] * np.abs(np.log(s[alive])))
    np.testing.assert_allclose(curve.low[alive], 1 - s[alive] ** np.exp(-spread), atol=1e-12)
    np.testing.assert_allclose(curve.high[alive], 1 - s[alive] ** np.exp(spread), atol=1e-12)


def test_the_interval_covers():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        came, limit = rng.exponential(1, 80), rng.uniform(0.3, 3, 80)
        curve = kaplan_meier(np.minimum(came, limit), came <= limit)
        index = np.searchsorted(curve.times, 0.7, side="right") - 1
        hits += curve.low[index] <= 1 - np.exp(-0.7) <= curve.high[index]
    assert 0.92 <= hits / 400 <= 0.98


def test_outcomes_that_never_come_do_not_stretch_the_wait():
    arriving = np.linspace(1, 10, 100)
    durations = np.concatenate([arriving, np.full(900, 60.0)])  # nine in ten never buy
    curve = kaplan_meier(durations, durations < 60)
    assert curve.quantile(0.5) is None  # half of all rows never get there
    assert curve.wait(0.95) == pytest.approx(arriving[94])
    assert curve.followed == 60


def test_nothing_has_arrived():
    curve = kaplan_meier(np.array([2.0, 3.0]), np.array([False, False]))
    assert (curve.at(5), curve.quantile(0.5), curve.wait(0.5)) == (0.0, None, None)


def test_it_survives_plain_data():
    curve = kaplan_meier(np.array([1.0, 2.0, 4.0]), np.array([True, False, True]))
    again = DelayCurve.from_dict(curve.to_dict())
    assert again.to_dict() == curve.to_dict() and again.wait(0.9) == curve.wait(0.9)


@pytest.mark.parametrize("durations", [[], [-1.0], [float("nan")], [[1.0]]])
def test_bad_durations_are_refused(durations):
    with pytest.raises(ValueError, match="duration"):
        kaplan_meier(np.array(durations), np.ones(np.shape(durations), bool))
