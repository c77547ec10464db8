"""Off-policy estimators: unbiased where they must be, with intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.statistics.inverse_propensity import doubly_robust, ips, snips

RATES = np.array([0.1, 0.3, 0.5])
TARGET = np.array([0.1, 0.2, 0.7])
LOGGED = np.array([0.6, 0.3, 0.1])
TRUE = float(RATES @ TARGET)


def draw(rng, n=2_000):
    actions = rng.choice(3, n, p=LOGGED)
    return actions, (rng.random(n) < RATES[actions]).astype(float)


def test_all_three_meet_the_truth_and_cover_it():
    rng = np.random.default_rng(0)
    found = {"ips": [], "snips": [], "doubly robust": []}
    for _ in range(200):
        actions, rewards = draw(rng)
        weights = TARGET[actions] / LOGGED[actions]
        guess = np.array([0.2, 0.2, 0.4])  # a reward model that is wrong
        robust = doubly_robust(weights, rewards, guess[actions], np.full(len(actions), guess @ TARGET))
        for one in (ips(weights, rewards), snips(weights, rewards), robust):
            found[one.estimator].append(one)
    for values in found.values():
        assert np.mean([one.value for one in values]) == pytest.approx(TRUE, abs=0.01)
        covers = np.mean([one.interval[0] <= TRUE <= one.interval[1] for one in values])
        assert 0.9 <= covers <= 0.99
    assert np.mean([o.error for o in found["doubly robust"]]) < np.mean([o.error for o in found["ips"]])


def test_a_model_alone_is_enough_where_the_weights_are_wrong():
    actions, rewards = draw(np.random.default_rng(1), 20_000)
    found = doubly_robust(np.ones(len(actions)), rewards, RATES[actions], np.full(len(actions), TRUE))
    assert found.value == pytest.approx(TRUE, abs=0.01)


def test_decisions_of_one_unit_widen_the_interval():
    rng = np.random.default_rng(2)
    units = np.repeat(np.arange(100), 20)
    rewards = np.repeat(rng.random(100) < 0.3, 20).astype(float)
    weights = np.ones(2_000)
    assert ips(weights, rewards, units).error > 4 * ips(weights, rewards).error


@pytest.mark.parametrize("n", [2, 3, 50])
def test_with_equal_weights_the_error_is_that_of_a_mean(n):
    rewards = np.random.default_rng(3).random(n)
    for found in (ips(np.ones(n), rewards), snips(np.full(n, 4.0), rewards)):
        assert found.value == pytest.approx(rewards.mean())
        assert found.error == pytest.approx(rewards.std(ddof=1) / np.sqrt(n))
        assert (found.interval[1] - found.interval[0]) / found.error == pytest.approx(2 * 1.96, abs=1e-3)
        assert sum(found.interval) == pytest.approx(2 * found.value)


def test_one_unit_has_a_value_and_no_error():
    found = ips(np.ones(3), np.array([1.0, 0.0, 1.0]), np.zeros(3))
    assert found.value == pytest.approx(2 / 3) and np.isnan(found.error) and np.isnan(found.interval).all()
    nothing = snips(np.zeros(2), np.ones(2))
    assert np.isnan(nothing.value) and np.isnan(nothing.error) and nothing.n_effective == 0


def test_the_effective_sample_tells_what_weights_cost():
    found = ips(np.array([100.0, *np.zeros(99)]), np.ones(100))
    assert (found.n_effective, found.largest) == (1.0, 100.0)
