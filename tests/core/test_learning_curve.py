"""The power law through a learning curve: it recovers known curves, and its intervals hold."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.statistics.learning_curve import fit_power_law

SIZES = np.array([750, 1_500, 3_000, 6_000, 12_000])


@pytest.mark.parametrize(("a", "b", "c"), [(0.1, 3.0, 0.5), (0.0, 1.0, 0.25), (0.3, 200.0, 1.0)])
def test_a_curve_without_noise_is_found_again(a, b, c):
    law = fit_power_law(SIZES, (a + b * SIZES**-c)[:, None])
    assert law.at(48_000) == pytest.approx(a + b * 48_000**-c, rel=1e-3, abs=1e-5)
    assert law.gain(12_000, 24_000)[0] == pytest.approx(b * (12_000**-c - 24_000**-c), rel=1e-2)


def test_a_flat_curve_buys_nothing():
    law = fit_power_law(SIZES, np.full((5, 3), 0.2))
    gain, ends = law.gain(12_000, 24_000)
    assert (gain, *ends) == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)


def test_a_rising_curve_is_taken_as_flat():
    law = fit_power_law(SIZES, (0.1 + 1e-5 * SIZES)[:, None])
    assert law.b == 0.0 and law.at(1) == pytest.approx(np.mean(0.1 + 1e-5 * SIZES))


def test_a_shift_of_a_whole_repeat_is_no_noise():
    curve = 0.1 + 3 * SIZES**-0.5
    law = fit_power_law(SIZES, np.stack([curve - 0.05, curve, curve + 0.05], axis=1))
    assert law.spread == pytest.approx(0.0, abs=1e-12)


def test_intervals_of_the_gain_hold_the_truth():
    a, b, c, held = 0.2, 2.5, 0.5, 0
    truth = b * (12_000**-c - 24_000**-c)
    gains, widths = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        errors = (a + b * SIZES**-c)[:, None] + rng.normal(0, 0.003, (5, 3)) + rng.normal(0, 0.01, 3)
        gain, (low, high) = fit_power_law(SIZES, errors, seed=seed).gain(12_000, 24_000)
        held += low <= truth <= high
        gains.append(gain)
        widths.append(high - low)
    assert held >= 182  # of 200, nominally 190
    assert np.mean(widths) < 1.5 * 2 * 1.96 * np.std(gains), "and are no wider than it takes"


def test_the_interval_of_an_error_is_about_what_is_expected_and_wider_farther_off():
    errors = 0.2 + 2.5 * SIZES[:, None] ** -0.5 + np.random.default_rng(0).normal(0, 0.003, (5, 3))
    law = fit_power_law(SIZES, errors)
    near, far = law.interval(12_000), law.interval(200_000)
    assert near[0] < law.at(12_000) < near[1] and far[0] < law.at(200_000) < far[1]
    assert far[1] - far[0] > 2 * (near[1] - near[0])
    assert np.ptp(law.interval(12_000, 0.5)) < 0.6 * np.ptp(near)


@pytest.mark.parametrize("errors", [np.ones(5), np.ones((4, 2)), np.ones((3, 2))])
def test_too_little_is_refused(errors):
    with pytest.raises(ValueError, match="4 sizes or more"):
        fit_power_law(SIZES[:3] if len(errors) == 3 else SIZES, errors)
