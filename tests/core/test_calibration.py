"""Calibration and thresholds: against counting by hand, brute force and the theory of costs."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.statistics.bootstrap import wilson
from fieldguide.core.statistics.calibration import calibration, calibration_ratio, reliability
from fieldguide.core.statistics.threshold import best_threshold
from fieldguide.parts import find


def two(p):
    return np.column_stack([1 - p, p])


def world(n=2_000, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 2, n)
    return (rng.random(n) < p).astype(np.int64), p, np.arange(n)


# ratio ----------------------------------------------------------------------------------------------------------------


def test_calibrated_predictions_have_a_ratio_of_one_within_the_interval():
    truth, p, blocks = world()
    found = calibration(truth, two(p), blocks, ("no", "yes"))
    assert found.ratio == pytest.approx(p.sum() / truth.sum())
    assert found.interval[0] < 1 < found.interval[1] and np.ptp(found.interval) < 0.2
    assert found.ratios["yes"] == found.ratio and found.ratios["no"] == pytest.approx(
        (1 - p).sum() / (truth == 0).sum()
    )
    assert found.error < 0.05


def test_promises_that_are_too_large_are_seen():
    truth, p, blocks = world()
    found = calibration(truth, two(np.sqrt(p)), blocks, ("no", "yes"))
    assert found.interval[0] > 1.3 and found.error > 0.1


def test_several_labels_are_judged_by_their_top():
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(3), 3_000)
    truth = np.array([rng.choice(3, p=row) for row in p])
    found = calibration(truth, p, np.arange(3_000), ("a", "b", "c"))
    assert found.ratio == pytest.approx(p.max(1).sum() / (p.argmax(1) == truth).sum())
    assert set(found.ratios) == {"a", "b", "c"} and all(abs(r - 1) < 0.1 for r in found.ratios.values())


def test_values_are_compared_by_their_means():
    truth = np.array([10.0, 20.0, 30.0] * 20)
    found = calibration(truth, (1.1 * truth)[:, None], np.arange(60))
    assert found.ratio == pytest.approx(1.1) and found.ratios == {}
    assert found.interval == pytest.approx((1.1, 1.1))  # exactly proportional: nothing is uncertain about the ratio


def test_a_ratio_that_means_nothing_is_not_given():
    assert math.isnan(calibration_ratio(np.array([-1.0, 1.0, 3.0]), np.ones(3)))
    assert math.isnan(calibration_ratio(np.zeros(3), np.ones(3)))
    found = calibration(np.array([-1.0, 1.0, 2.0]), np.ones(3), np.arange(3)).to_dict()
    assert found["ratio"] is None and found["interval"] == [None, None]


def test_facts_are_plain():
    truth, p, blocks = world(100)
    json.dumps(calibration(truth, two(p), blocks, ("no", "yes")).to_dict(), allow_nan=False)
    json.dumps(best_threshold(truth, p, costs={"false_negative": 2}).to_dict(), allow_nan=False)


# reliability ----------------------------------------------------------------------------------------------------------


def test_bins_hold_equal_numbers_and_all_rows():
    truth, p, _ = world(1_000)
    table = reliability(truth, p)
    assert [cell["n"] for cell in table] == [100] * 10
    assert sum(cell["n"] * cell["predicted"] for cell in table) == pytest.approx(p.sum())
    assert sum(cell["n"] * cell["observed"] for cell in table) == pytest.approx(truth.sum())
    first = np.sort(p)[:100]
    assert table[0]["predicted"] == pytest.approx(first.mean())
    hits = truth[np.argsort(p)[:100]].sum()
    assert (table[0]["low"], table[0]["high"]) == pytest.approx(wilson(hits, 100))


def test_ties_stay_together():
    p = np.repeat([0.1, 0.4, 0.9], [70, 20, 10])
    table = reliability((p > 0.3).astype(int), p)
    assert [(cell["predicted"], cell["n"]) for cell in table] == [
        (pytest.approx(0.1), 70), (pytest.approx(0.4), 20), (pytest.approx(0.9), 10),
    ]  # fmt: skip


def test_values_have_bins_too():
    rng = np.random.default_rng(0)
    value = rng.normal(100, 10, 500)
    table = reliability(value + rng.normal(size=500), value)
    assert len(table) == 10 and all(cell["low"] < cell["observed"] < cell["high"] for cell in table)
    assert reliability(np.zeros(0), np.zeros(0)) == []


def test_wilson_is_never_a_point():
    assert wilson(0, 10)[0] == pytest.approx(0, abs=1e-12) and wilson(0, 10)[1] == pytest.approx(0.2775, abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


# thresholds -----------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([3, 8, 1_000]), st.sampled_from(["f1", "accuracy", "expected_cost"]))
def test_no_cut_is_better(seed, levels, name):
    rng = np.random.default_rng(seed)
    truth, p = rng.integers(0, 2, 30), rng.integers(0, levels + 1, 30) / levels
    metric = find("metrics", name)()
    found = best_threshold(truth, p, metric)
    sign = 1 if metric.greater_is_better else -1
    all_cuts = [metric.score(truth, (p >= cut).astype(int)) for cut in [*np.unique(p), 2.0]]
    best = np.nanmax(sign * np.array(all_cuts))
    assert sign * found.score == pytest.approx(best)
    assert metric.score(truth, (p >= found.threshold).astype(int)) == pytest.approx(found.score)


def test_costs_agree_with_theory_on_calibrated_probabilities():
    truth, p, _ = world(40_000)
    found = best_threshold(truth, p, costs={"false_positive": 1, "false_negative": 5})
    assert found.theory == pytest.approx(1 / 6) and found.threshold == pytest.approx(1 / 6, abs=0.04)
    assert found.judged_by == "expected_cost"
    cost = find("metrics", "expected_cost")(false_positive=1, false_negative=5)
    assert found.score == pytest.approx(cost.score(truth, (p >= found.threshold).astype(int)))


def test_costs_correct_a_model_that_promises_too_little():
    truth, p, _ = world(40_000)
    found = best_threshold(truth, p**2, costs={"false_positive": 1, "false_negative": 5})
    assert found.threshold == pytest.approx((1 / 6) ** 2, abs=0.02), "the cut is empirical: theory would say 1/6"


def test_the_curve_is_short_and_holds_the_choice():
    truth, p, _ = world(5_000)
    found = best_threshold(truth, p, find("metrics", "f1")())
    cuts = [cut for cut, _ in found.curve]
    assert len(cuts) == 101 and cuts == sorted(cuts)
    assert (found.threshold, found.score) in found.curve
    assert max(value for _, value in found.curve) == found.score


def test_everything_and_nothing_are_cuts_too():
    truth, p = np.array([0, 0, 1]), np.array([0.9, 1.0, 0.2])
    dear = best_threshold(truth, p, costs={"false_positive": 100, "false_negative": 1})
    assert (p >= dear.threshold).sum() == 0 and dear.score == pytest.approx(1 / 3)
    assert dear.threshold == np.nextafter(1.0, 2.0)
    below = best_threshold(truth, np.array([0.8, 0.9, 0.2]), costs={"false_positive": 100, "false_negative": 1})
    assert below.threshold == pytest.approx(0.95)  # half way between the highest and 1
    cheap = best_threshold(truth, p, costs={"false_positive": 0.1, "false_negative": 10})
    assert cheap.threshold == pytest.approx(0.1)  # half way between 0 and the lowest
    assert (p >= cheap.threshold).all() and cheap.score == pytest.approx(0.2 / 3)


def test_cuts_lie_halfway_and_equally_good_ones_take_the_one_nearest_the_middle():
    found = best_threshold(np.array([0, 0, 1, 1]), np.array([0.05, 0.1, 0.8, 0.9]), find("metrics", "f1")())
    assert found.threshold == pytest.approx(0.45) and found.score == 1.0
    p = np.array([0.1, 0.2, 0.45, 0.6])  # one mistake at 0.15, one at 0.525
    assert best_threshold(np.array([0, 1, 0, 1]), p, find("metrics", "accuracy")()).threshold == pytest.approx(0.525)


def test_row_weights_move_the_cut():
    truth, p = np.array([0, 1, 0, 1]), np.array([0.2, 0.3, 0.4, 0.5])
    metric = find("metrics", "accuracy")()
    few = best_threshold(truth, p, metric, weights=np.array([1.0, 9.0, 1.0, 1.0]))
    many = best_threshold(truth, p, metric, weights=np.array([1.0, 1.0, 9.0, 1.0]))
    assert few.threshold == pytest.approx(0.25) and many.threshold == pytest.approx(0.45)


def test_a_threshold_needs_something_to_choose_by():
    with pytest.raises(ConfigError, match=r"a threshold needs costs, or a metric.*Found: roc_auc reads probability"):
        best_threshold(np.array([0, 1]), np.array([0.1, 0.2]), find("metrics", "roc_auc")())
    with pytest.raises(ConfigError, match="Found: no metric"):
        best_threshold(np.array([0, 1]), np.array([0.1, 0.2]))
    with pytest.raises(ConfigError, match=r"costs are not negative.*Found: false_positive -1, false_negative 1"):
        best_threshold(np.array([0, 1]), np.array([0.1, 0.2]), costs={"false_positive": -1})
    with pytest.raises(DataError, match="no rows to choose a threshold on"):
        best_threshold(np.zeros(0), np.zeros(0), costs={"false_positive": 1})
