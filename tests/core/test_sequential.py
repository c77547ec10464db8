"""Always-valid readings, sample sizes, sample ratios, corrections: against references and under peeking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from fieldguide.core.statistics.multiplicity import benjamini_hochberg, holm
from fieldguide.core.statistics.sample_ratio import sample_ratio
from fieldguide.core.statistics.sample_size import planned_error, smallest_shown, units_needed
from fieldguide.core.statistics.sequential import always_valid_p, always_valid_reach, mixture_scale


def test_the_scale_is_the_shortest_sequence():
    best = mixture_scale(1.0)
    widths = {scale: float(always_valid_reach(1.0, scale)) for scale in (0.7 * best, best, 1.4 * best)}
    assert min(widths, key=widths.get) == best


def test_p_and_sequence_are_two_readings_of_one_martingale():
    scale = mixture_scale(0.5)
    for error in (0.2, 0.5, 2.0):
        reach = float(always_valid_reach(error, scale))
        assert float(always_valid_p(reach, error, scale)) == pytest.approx(0.05, rel=1e-9)
        assert float(always_valid_p(0.9 * reach, error, scale)) > 0.05


def test_peeking_at_every_look_keeps_the_level():
    rng = np.random.default_rng(0)
    n = np.arange(100, 4_001, 50)
    sums = np.cumsum(rng.normal(size=(1_500, 4_000)), axis=1)[:, n - 1]
    means, errors = sums / n, 1 / np.sqrt(n)
    p = always_valid_p(means, np.broadcast_to(errors, means.shape), mixture_scale(errors[-1]))
    usual = 2 * stats.norm.sf(np.abs(means) / errors)
    assert (p.min(1) <= 0.05).mean() <= 0.05
    assert (usual.min(1) <= 0.05).mean() > 0.2
    reach = always_valid_reach(np.broadcast_to(errors, means.shape), mixture_scale(errors[-1]))
    assert (np.abs(means) <= reach).all(1).mean() >= 0.95


def test_no_error_no_evidence():
    assert always_valid_p(np.array([1.0, np.nan, 1.0]), np.array([0.0, 1.0, np.nan]), 1.0).tolist() == [1.0, 1.0, 1.0]


def test_no_error_no_sequence():
    assert always_valid_reach(np.array([0.0, np.nan]), 1.0).tolist() == [math.inf, math.inf]
    assert math.isfinite(always_valid_reach(1e-9, 1.0))


def test_units_needed_show_the_effect_with_the_planned_power():
    n = units_needed(0.1, 1.0, (0.8, 0.2))
    error = math.sqrt(1 / (0.8 * n) + 1 / (0.2 * n))
    power = stats.norm.sf(1.96 - 0.1 / error)
    assert power == pytest.approx(0.8, abs=0.001)
    assert error == pytest.approx(planned_error(0.1), rel=1e-3)
    assert smallest_shown(1.0, 0.8 * n, 0.2 * n) == pytest.approx(0.1, rel=1e-3)
    with pytest.raises(ValueError, match="must not be 0"):
        units_needed(0.0, 1.0, (0.5, 0.5))


def test_the_chi_square_of_a_sample_ratio():
    found = sample_ratio({"a": 450, "b": 300, "c": 250}, {"a": 0.5, "b": 0.25, "c": 0.25})
    reference = stats.chisquare([450, 300, 250], [500, 250, 250])
    assert (found.chi2, found.p) == pytest.approx((reference.statistic, reference.pvalue))


def test_of_planned_shares_only_the_ratio_counts():
    counts = {"a": 480, "b": 300, "c": 260}
    assert sample_ratio(counts, {"a": 2, "b": 1, "c": 1}) == sample_ratio(counts, {"a": 0.5, "b": 0.25, "c": 0.25})
    assert sample_ratio(counts, {"a": 2, "b": 1, "c": 1}).expected == {"a": 520.0, "b": 260.0, "c": 260.0}


def test_an_arm_without_a_share_expects_nobody_and_alone_there_is_nothing_to_compare():
    found = sample_ratio({"a": 10, "b": 10, "off": 3}, {"a": 1, "b": 1, "off": 0})
    assert found.counts == {"a": 10, "b": 10} and found.p == 1.0
    for nothing in (sample_ratio({"a": 10}, {"a": 1.0, "b": 0.0}), sample_ratio({}, {"a": 0.5, "b": 0.5})):
        assert (nothing.chi2, nothing.p, nothing.always_p) == (0.0, 1.0, 1.0)


def test_an_arm_that_lost_everybody_is_counted_as_none():
    found = sample_ratio({"a": 200}, {"a": 0.5, "b": 0.5})
    assert found.counts == {"a": 200, "b": 0}
    assert found.p < 1e-40
    assert found.always_p < 1e-4


def test_peeking_at_the_sample_ratio_keeps_its_level():
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(300):
        steps = rng.multinomial(200, (0.9, 0.1), size=20).cumsum(0)
        alarms += min(sample_ratio({"a": a, "b": b}, {"a": 0.9, "b": 0.1}).always_p for a, b in steps) <= 0.05
    assert alarms / 300 <= 0.05


def test_corrections_agree_with_a_reference():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(2).beta(0.5, 3, 25)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_a_test_that_could_not_be_made_is_not_counted():
    assert holm(np.array([0.01, np.nan, 0.04])).tolist() == pytest.approx([0.02, math.nan, 0.04], nan_ok=True)
    assert benjamini_hochberg(np.array([np.nan])).tolist() == pytest.approx([math.nan], nan_ok=True)
