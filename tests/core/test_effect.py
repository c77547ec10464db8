"""Effects, ratios and CUPED: numbers against references, intervals that cover, covariates that take variance out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fieldguide.core.statistics.cuped import adjusted, balance
from fieldguide.core.statistics.effect import Effect, Sample, effect
from fieldguide.core.statistics.ratio import ratio
from fieldguide.core.statistics.sequential import BURN_IN


def test_a_mean_per_unit_is_welch_s_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 60), rng.normal(0.3, 2, 40)
    found = effect(Sample(a), Sample(b))
    reference = stats.ttest_ind(b, a, equal_var=False)
    assert found.p == pytest.approx(reference.pvalue, rel=1e-9)
    low, high = reference.confidence_interval()
    assert found.interval == pytest.approx((low, high), rel=1e-9)
    assert (found.n_control, found.n_candidate) == (60, 40)


def test_a_ratio_has_the_error_of_the_delta_method():
    rng = np.random.default_rng(1)
    views = rng.poisson(8, 5_000) + 1.0
    clicks = rng.binomial(views.astype(int), rng.beta(2, 18, 5_000)).astype(float)
    found = ratio(clicks, views)
    my, md, n = clicks.mean(), views.mean(), len(views)
    cov = np.cov(clicks, views)
    textbook = (cov[0, 0] / md**2 - 2 * my * cov[0, 1] / md**3 + my**2 * cov[1, 1] / md**4) / n
    assert found.value == pytest.approx(my / md)
    assert found.error**2 == pytest.approx(textbook, rel=1e-9)
    rows = math.sqrt(found.value * (1 - found.value) / views.sum())
    assert found.error > 1.1 * rows  # rows of one unit are alike


def test_a_ratio_of_one_unit_has_a_value_and_no_error():
    alone = ratio(np.array([2.0]))
    assert (alone.value, alone.n) == (2.0, 1) and math.isnan(alone.variance)
    assert ratio(np.array([0.25, 0.25]), np.array([0.5, 0.5])).value == 0.5  # what is counted may be less than one
    for none in (ratio(np.zeros(0)), ratio(np.ones(2), np.zeros(2))):
        assert math.isnan(none.value) and math.isnan(none.variance) and len(none.influence) == none.n


def test_cuped_takes_out_what_the_score_knew_and_leaves_the_effect():
    rng = np.random.default_rng(2)
    gains, plain = [], []
    for _ in range(60):
        score = rng.normal(size=(2, 400))
        value = score + 0.5 * rng.normal(size=(2, 400))
        value[1] += 0.2
        gains.append(effect(*(Sample(v, None, s[:, None]) for v, s in zip(value, score))))
        plain.append(effect(*(Sample(v) for v in value)))
    assert np.mean([g.value for g in gains]) == pytest.approx(0.2, abs=0.02)
    assert np.mean([g.kept for g in gains]) == pytest.approx(0.2, abs=0.02)
    assert np.mean([g.error for g in gains]) < 0.5 * np.mean([p.error for p in plain])


def test_cuped_takes_a_chance_difference_of_the_covariate_off_exactly():
    rng = np.random.default_rng(7)
    score = rng.normal(size=(2, 200))
    score[1] += 0.3  # by chance, the candidate's units were better before
    found = effect(*(Sample(3 * s, None, s[:, None]) for s in score))
    assert effect(*(Sample(3 * s) for s in score)).value > 0.5
    assert found.value == pytest.approx(0, abs=1e-9)


def test_the_slope_is_fitted_within_the_arms():
    rng = np.random.default_rng(8)
    value, score = rng.normal(size=(2, 2_000)), rng.normal(size=(2, 2_000))
    value[1] += 5
    score[1] += 5  # between the arms they move together, within them they do not
    found = adjusted(value[0] - value[0].mean(), value[1] - value[1].mean(), score[0], score[1])
    assert abs(found.shift) < 0.3
    assert effect(Sample(value[0], None, score[0][:, None]), Sample(value[1], None, score[1][:, None])).value > 4.5


def test_a_missing_covariate_counts_as_the_mean():
    rng = np.random.default_rng(3)
    x = rng.normal(size=300)
    gone = np.where(np.arange(300) < 30, np.nan, x)
    found = adjusted(x[:150], x[150:], gone[:150], gone[150:])
    assert math.isfinite(found.shift)
    assert 0 < found.kept < 0.3


def test_covariates_of_one_arm_only_adjust_nothing():
    rng = np.random.default_rng(9)
    one, other, score = rng.normal(size=100), rng.normal(size=120), rng.normal(size=(120, 1))
    for with_score, without in (
        ((Sample(one), Sample(other, None, score)), (Sample(one), Sample(other))),
        ((Sample(other, None, score), Sample(one)), (Sample(other), Sample(one))),
    ):
        assert effect(*with_score).to_dict() == effect(*without).to_dict()


def test_a_covariate_that_says_nothing_adjusts_nothing():
    still, moving = np.zeros(5), np.arange(5.0)
    for found in (
        adjusted(still, still, moving, moving[:, None]),  # values that are all alike
        adjusted(moving - 2, moving - 2, np.full(5, 7.0), np.full(5, 9.0)),  # a covariate that is constant in each arm
    ):
        assert (found.shift, found.kept) == (0.0, 1.0)
    assert np.isnan(balance(np.ones((1, 2)), np.ones((5, 2)))).tolist() == [True, True]


def test_balance_is_the_two_sided_p_of_welch():
    rng = np.random.default_rng(10)
    one, other = rng.normal(size=(5_000, 1)), rng.normal(0.02, 1, size=(6_000, 1))
    reference = stats.ttest_ind(other[:, 0], one[:, 0], equal_var=False).pvalue
    assert balance(one, other)[0] == pytest.approx(reference, abs=1e-4)


def test_balance_finds_a_covariate_that_the_arm_moved():
    rng = np.random.default_rng(4)
    one, other = rng.normal(size=(400, 2)), rng.normal(size=(400, 2))
    other[:, 1] += 0.5
    p = balance(one, other)
    assert p[0] > 0.001
    assert p[1] < 1e-6


def test_before_the_burn_in_no_look_may_be_read():
    rng = np.random.default_rng(5)
    few = effect(Sample(rng.normal(0, 1, BURN_IN - 1)), Sample(rng.normal(5, 1, 500)))
    assert few.always_p == 1.0
    assert few.always_interval == (-math.inf, math.inf)
    assert few.p < 1e-6


@pytest.mark.parametrize(("one", "other"), [([], [1.0]), ([1.0, 1.0], [1.0, 1.0])])
def test_where_nothing_can_be_said_nothing_is(one, other):
    found = effect(Sample(np.array(one)), Sample(np.array(other)))
    assert math.isnan(found.p)
    again = Effect.from_dict(found.to_dict())
    assert again.to_dict() == found.to_dict()


def test_rows_of_a_sample_take_all_that_belongs_to_them():
    sample = Sample(np.arange(4.0), np.arange(4.0) + 10, np.arange(4.0)[:, None] + 20)
    taken, plain = sample.take(np.array([3, 1])), Sample(np.arange(4.0)).take(np.array([2]))
    assert (taken.numerator.tolist(), taken.denominator.tolist()) == ([3, 1], [13, 11])
    assert taken.covariates.tolist() == [[23], [21]]
    assert (len(taken), plain.numerator.tolist(), plain.denominator, plain.covariates) == (2, [2], None, None)


def test_a_lift_needs_a_control_above_its_noise():
    rng = np.random.default_rng(6)
    assert math.isnan(effect(Sample(rng.normal(0, 1, 200)), Sample(rng.normal(1, 1, 200))).lift)
    found = effect(Sample(rng.normal(10, 1, 2_000)), Sample(rng.normal(11, 1, 2_000)))
    assert found.lift == pytest.approx(0.1, abs=0.01)
    assert found.lift_interval[0] < 0.1 < found.lift_interval[1]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 100))
def test_swapping_the_arms_turns_the_sign_and_scaling_scales(seed, scale):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(1, 1, 120), rng.normal(1.2, 1, 150)
    there, back = effect(Sample(a), Sample(b)), effect(Sample(b), Sample(a))
    assert there.value == pytest.approx(-back.value)
    assert there.p == pytest.approx(back.p)
    large = effect(Sample(a * scale), Sample(b * scale))
    assert large.p == pytest.approx(there.p, rel=1e-6)
    assert large.error == pytest.approx(there.error * scale)
