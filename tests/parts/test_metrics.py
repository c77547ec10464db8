"""Metrics against scikit-learn, against counting by hand, and against the contract."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.contracts import Metric
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.parts import find, names
from fieldguide.testing.metric import check_metric

METRICS = names("metrics")


def metric(name, **settings):
    return find("metrics", name)(**settings)


def two(p):
    return np.column_stack([1 - p, p])


def test_every_metric_of_the_design_is_there():
    classes = "roc_auc average_precision log_loss brier accuracy balanced_accuracy f1 f1_macro fbeta expected_cost"
    values = "rmse mae rmsle r2 pinball"
    assert {*classes.split(), *values.split()} <= set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_contract(name):
    check_metric(metric(name))
    assert isinstance(metric(name), Metric)


class TestContractTestItself:
    """The contract test notices what it is for."""

    def broken(self, **changes):
        kind = find("metrics", "roc_auc")
        return type("Broken", (kind,), changes)()

    def test_best(self):
        with pytest.raises(AssertionError, match=r"best and worst lie"):
            check_metric(self.broken(best=0.0, worst=1.0))

    def test_weights_ignored(self):
        kind = find("metrics", "roc_auc")
        deaf = self.broken(resample=lambda self, t, p, w: kind.resample(self, t, p, np.ones_like(w)))
        with pytest.raises(AssertionError, match="a weight of k is not k equal rows"):
            check_metric(deaf)

    def test_order(self):
        def first(self, truth, prediction, weights=None):
            return float(prediction[0, 1] == 1)

        with pytest.raises(AssertionError):
            check_metric(self.broken(score=first))


# scikit-learn, where it has the same number -------------------------------------------------------------------------


def reference(name):
    from sklearn import metrics as sk

    one = {
        "roc_auc": lambda y, p, w: sk.roc_auc_score(y, p[:, 1], sample_weight=w),
        "average_precision": lambda y, p, w: sk.average_precision_score(y, p[:, 1], sample_weight=w),
        "log_loss": lambda y, p, w: sk.log_loss(y, p, sample_weight=w, labels=np.arange(p.shape[1])),
        "brier": lambda y, p, w: sk.brier_score_loss(y, p[:, 1], sample_weight=w),
        "accuracy": lambda y, d, w: sk.accuracy_score(y, d, sample_weight=w),
        "balanced_accuracy": lambda y, d, w: sk.balanced_accuracy_score(y, d, sample_weight=w),
        "f1": lambda y, d, w: sk.f1_score(y, d, sample_weight=w),
        "f1_macro": lambda y, d, w: sk.f1_score(y, d, average="macro", sample_weight=w),
        "fbeta": lambda y, d, w: sk.fbeta_score(y, d, beta=2.0, sample_weight=w),
        "rmse": lambda y, v, w: sk.root_mean_squared_error(y, v, sample_weight=w),
        "mae": lambda y, v, w: sk.mean_absolute_error(y, v, sample_weight=w),
        "rmsle": lambda y, v, w: sk.root_mean_squared_log_error(y, v, sample_weight=w),
        "r2": lambda y, v, w: sk.r2_score(y, v, sample_weight=w),
        "pinball": lambda y, v, w: sk.mean_pinball_loss(y, v, sample_weight=w, alpha=0.5),
    }
    return one[name]


@st.composite
def binary_rows(draw):
    n = draw(st.integers(4, 40))
    truth = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    truth[:2] = (0, 1)
    levels = draw(st.sampled_from([2, 5, 1000]))  # few levels: many ties
    p = np.array(draw(st.lists(st.integers(0, levels), min_size=n, max_size=n))) / levels
    weights = np.array(draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))) / 3
    return truth, p, weights if draw(st.booleans()) else None


@settings(max_examples=60, deadline=None)
@given(binary_rows(), st.sampled_from(["roc_auc", "average_precision", "log_loss", "brier"]))
def test_probabilities_are_judged_as_by_scikit_learn(rows, name):
    truth, p, weights = rows
    p = np.clip(p, 0.001, 0.999) if name == "log_loss" else p
    expected = reference(name)(truth, two(p), weights)
    assert metric(name).score(truth, two(p), weights) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(binary_rows(), st.sampled_from(["accuracy", "balanced_accuracy", "f1", "f1_macro", "fbeta"]))
def test_decisions_are_judged_as_by_scikit_learn(rows, name):
    truth, p, weights = rows
    decision = (p >= 0.5).astype(int)
    expected = reference(name)(truth, decision, weights)
    assert metric(name).score(truth, decision, weights) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from(["rmse", "mae", "rmsle", "r2", "pinball"]))
def test_values_are_judged_as_by_scikit_learn(seed, weighted, name):
    rng = np.random.default_rng(seed)
    truth = 1e4 + rng.gamma(2, 3, 25)  # far from zero: sums of squares must not cancel
    value, weights = truth + rng.normal(size=25), rng.random(25) if weighted else None
    expected = reference(name)(truth, value, weights)
    assert metric(name).score(truth, value, weights) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["log_loss", "balanced_accuracy", "f1_macro", "accuracy", "roc_auc"])
def test_several_labels_are_judged_as_by_scikit_learn(name):
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(4)
    truth, p = rng.integers(0, 4, 200), np.round(rng.dirichlet(np.ones(4), 200), 2) + 0.01
    p, weights = p / p.sum(1, keepdims=True), rng.random(200)
    if name == "roc_auc":
        expected = roc_auc_score(truth, p, multi_class="ovr", sample_weight=weights)
    else:
        p = p if name == "log_loss" else p.argmax(1)
        expected = reference(name)(truth, p, weights)
    assert metric(name).score(truth, p, weights) == pytest.approx(expected, rel=1e-9)


def test_brier_of_several_labels_sums_over_them():
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    expected = np.mean([0.25 + 0.09 + 0.04, 0.01 + 0.81 + 0.64])
    assert metric("brier").score(np.array([0, 1]), p) == pytest.approx(expected)


# settings and edges ---------------------------------------------------------------------------------------------------


def test_costs_are_counted_per_row():
    cost = metric("expected_cost", false_positive=2, false_negative=7)
    assert cost.score(np.array([0, 0, 1, 1, 1]), np.array([1, 0, 0, 0, 1])) == pytest.approx((2 + 7 + 7) / 5)


def test_fbeta_at_one_is_f1():
    truth, decision = np.array([0, 1, 1, 1, 0]), np.array([1, 1, 0, 1, 0])
    assert metric("fbeta", beta=1.0).score(truth, decision) == metric("f1").score(truth, decision)


def test_pinball_weighs_the_two_sides():
    high = metric("pinball", quantile=0.9)
    assert high.score(np.array([10.0]), np.array([8.0])) == pytest.approx(1.8)
    assert high.score(np.array([8.0]), np.array([10.0])) == pytest.approx(0.2)


@pytest.mark.parametrize("quantile", [0.0, 1.0, 90])
def test_pinball_refuses_what_is_no_quantile(quantile):
    with pytest.raises(ConfigError, match=r"quantile lies between 0 and 1\. Found: "):
        metric("pinball", quantile=quantile)


def test_fbeta_refuses_a_negative_beta():
    with pytest.raises(ConfigError, match=r"beta is above 0\. Found: -1"):
        metric("fbeta", beta=-1)


def test_rmsle_refuses_negative_truth_and_lifts_negative_predictions():
    with pytest.raises(DataError, match=r"RMSLE cannot judge negative values.*Found: 2 rows below 0, the lowest -3"):
        metric("rmsle").score(np.array([1.0, -1.0, -3.0]), np.ones(3))
    assert metric("rmsle").score(np.array([0.0]), np.array([-5.0])) == 0.0


def test_log_loss_of_a_certain_mistake_is_finite():
    assert metric("log_loss").score(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(34.538776394910684)


def test_values_may_come_as_one_column():
    truth, value = np.array([1.0, 2.0]), np.array([[2.0], [4.0]])
    assert metric("mae").score(truth, value) == 1.5


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "balanced_accuracy", "f1_macro"])
def test_one_class_cannot_be_judged(name):
    truth = np.array([0, 0, 1])
    prediction = two(np.array([0.1, 0.6, 0.7])) if metric(name).reads == "probability" else np.array([0, 1, 1])
    values = metric(name).resample(truth, prediction, np.array([[1, 1, 0], [1, 1, 1]], np.float32))
    assert np.isnan(values).tolist() == [True, False]
    assert np.isnan(metric(name).score(truth[:2], prediction[:2]))


def test_r2_of_a_truth_that_does_not_vary_is_unknown():
    assert np.isnan(metric("r2").score(np.full(4, 7.0), np.arange(4.0)))


def test_auc_counts_pairs_under_any_weights():
    rng = np.random.default_rng(8)
    truth, p, weights = rng.integers(0, 2, 70), rng.integers(0, 6, 70) / 6, rng.random((3, 70)).astype(np.float32)
    above, below = np.flatnonzero(truth == 1), np.flatnonzero(truth == 0)
    won = (p[above][:, None] > p[below]) + 0.5 * (p[above][:, None] == p[below])
    expected = [w[above] @ won @ w[below] / (w[above].sum() * w[below].sum()) for w in weights.astype(float)]
    assert metric("roc_auc").resample(truth, two(p), weights) == pytest.approx(expected, rel=1e-9)


def test_no_warning_reaches_the_user():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("f1", "balanced_accuracy", "accuracy"):
            metric(name).resample(np.zeros(3, int), np.zeros(3, int), np.zeros((2, 3), np.float32))
