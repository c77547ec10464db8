"""Power of the test of two shares, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.statistics.power import smallest_effect, two_proportion_power


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.3, 0.9])
@pytest.mark.parametrize("effect", [0.0005, 0.01, 0.08])
@pytest.mark.parametrize("sizes", [(200, 200), (5_000, 700), (300, 90_000)])
def test_power_is_that_of_statsmodels(rate, effect, sizes):
    from statsmodels.stats.proportion import power_proportions_2indep

    n_1, n_2 = sizes
    reference = power_proportions_2indep(effect, rate, n_1, ratio=n_2 / n_1, alpha=0.05).power
    assert two_proportion_power(rate + effect, rate, n_1, n_2) == pytest.approx(float(reference), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.001, 0.95), st.integers(30, 10**6), st.integers(30, 10**6))
def test_the_smallest_effect_has_just_the_power(rate, n_1, n_2):
    effect = smallest_effect(rate, n_1, n_2)
    if effect is None:
        assert two_proportion_power(1.0, rate, n_1, n_2) < 0.8
    else:
        assert two_proportion_power(rate + effect, rate, n_1, n_2) == pytest.approx(0.8, abs=1e-6) or effect < 1e-9


def test_what_cannot_be_shown_is_none():
    assert smallest_effect(0.0, 100, 100) is None and smallest_effect(1.0, 100, 100) is None
    assert smallest_effect(0.5, 0, 100) is None and smallest_effect(0.9, 5, 5) is None


def test_shares_of_0_and_1_leave_nothing_to_chance():
    assert two_proportion_power(1.0, 0.0, 5, 5) == 1.0
    assert two_proportion_power(1.0, 0.0, 1, 1) == 0.0  # one row each shows nothing
    assert two_proportion_power(0.0, 0.0, 5, 5) == 0.0


def test_a_test_finds_the_smallest_effect_four_times_of_five():
    rng, n, rate = np.random.default_rng(0), 2_000, 0.05
    effect = smallest_effect(rate, n, n)
    a, b = rng.binomial(n, rate + effect, 4_000) / n, rng.binomial(n, rate, 4_000) / n
    pooled = (a + b) / 2
    z = (a - b) / np.sqrt(pooled * (1 - pooled) * 2 / n)
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.02)
