"""Scores, intervals and paired differences: against closed forms, and in the corners where resampling says nothing."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import DataError
from fieldguide.core.problem import Output
from fieldguide.core.resolution import half_informed, smallest_difference
from fieldguide.core.score import Score, SliceScore, compare, optimism, score
from fieldguide.core.slices import slice_gap, slice_scores
from fieldguide.core.statistics.bootstrap import bootstrap_weights, left_out_weights, resampled, unseen_share, wilson
from fieldguide.parts import find


def metric(name, **settings):
    return find("metrics", name)(**settings)


def two(p):
    return np.column_stack([1 - p, p])


def sample(n=400, seed=0):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=n)
    truth = (rng.random(n) < 1 / (1 + np.exp(-2 * signal))).astype(np.int64)
    return truth, 1 / (1 + np.exp(-2 * signal)), np.arange(n)


class Task:
    """What an output asks of a task here."""

    name, loss, activation, metrics = "x", "", "", ()

    def __init__(self, family):
        self.family = family

    def width(self, labels):
        return max(1, len(labels))


# weights --------------------------------------------------------------------------------------------------------------


def test_blocks_of_unequal_size_are_drawn_whole():
    blocks = np.array([7, 7, 7, 3, 9, 9])
    weights = np.concatenate(list(bootstrap_weights(blocks, 300, seed=1)))
    assert weights.shape == (300, 6) and weights.dtype == np.float32
    assert (weights[:, 0] == weights[:, 2]).all() and (weights[:, 4] == weights[:, 5]).all()
    assert (weights[:, [0, 3, 4]].sum(1) == 3).all(), "as many blocks are drawn as there are"
    assert weights[:, 3].mean() == pytest.approx(1.0, abs=0.15)


def test_the_same_seed_draws_the_same_weights_in_chunks_of_any_row_count():
    first, again = (np.concatenate(list(bootstrap_weights(np.arange(50), 20, seed=s))) for s in (5, 5))
    other = np.concatenate(list(bootstrap_weights(np.arange(50), 20, seed=6)))
    assert (first == again).all() and (first != other).any()


def test_replicates_are_exact_across_chunks():
    n = 9_000  # more rows than one chunk holds for 1,000 replicates
    sizes = [len(chunk) for chunk in bootstrap_weights(np.arange(n), 1_000)]
    assert len(sizes) > 1 and sum(sizes) == 1_000


def test_jackknife_pools_many_blocks():
    weights = np.concatenate(list(left_out_weights(np.arange(1_000), most=100)))
    assert weights.shape == (100, 1_000)
    assert ((weights == 0).sum(1) == 10).all() and ((weights == 0).sum(0) == 1).all()


# intervals ------------------------------------------------------------------------------------------------------------


def test_the_interval_of_a_mean_is_the_textbook_one():
    x = np.random.default_rng(3).normal(10, 2, 500)
    found = resampled(lambda w: w @ x / w.sum(1), np.arange(500), replicates=4_000)
    half = 1.96 * x.std(ddof=1) / math.sqrt(500)
    assert found.error == pytest.approx(x.std(ddof=1) / math.sqrt(500), rel=0.05)
    assert found.interval == pytest.approx((x.mean() - half, x.mean() + half), abs=0.15 * half)


def test_a_statistic_that_no_single_row_moves_has_an_interval_and_no_error_of_the_jackknife():
    x = np.sort(np.random.default_rng(0).normal(size=401)).round()  # the median stands among many equal values

    def median(weights):
        order = np.cumsum(weights, axis=1) * 2 >= weights.sum(1, keepdims=True)
        return x[order.argmax(1)] + 10.0

    found = resampled(lambda w: median(w) + 1e-3 * (w[:, :30].sum(1) > 32), np.arange(401))
    assert (found.error, found.varies) == (0.0, True)
    assert found.interval[0] == found.estimate < found.interval[1]


def test_one_block_says_nothing_and_does_not_vary():
    found = resampled(lambda w: w.sum(1), np.zeros(5))
    assert (found.estimate, found.varies, found.n_units) == (5.0, False, 1)
    assert math.isnan(found.error) and math.isnan(found.p)


def test_what_is_drawn_where_nobody_says_how_much():
    assert sum(len(chunk) for chunk in bootstrap_weights(np.arange(3))) == 1_000
    assert sum(len(chunk) for chunk in left_out_weights(np.arange(900))) == 400
    few = resampled(lambda w: w[:, 0], np.arange(30), replicates=19)
    assert math.isnan(few.interval[0]) and few.varies
    assert math.isfinite(resampled(lambda w: w[:, 0], np.arange(30), replicates=20).interval[0])


def test_dependent_rows_widen_the_interval():
    rng = np.random.default_rng(5)
    blocks = np.repeat(np.arange(60), 10)
    x = rng.normal(size=60)[blocks]  # ten copies of sixty numbers hold sixty numbers
    truth, zero = x, np.zeros(600)
    grouped = np.ptp(score(metric("rmse"), truth, zero, blocks)[1])
    alone = np.ptp(score(metric("rmse"), truth, zero, np.arange(600))[1])
    assert grouped / alone == pytest.approx(math.sqrt(10), rel=0.25)


def test_a_quick_coverage_of_auc():
    """The measurement is benchmarks/coverage.py; this notices when it would no longer hold at all."""
    held = 0
    for seed in range(80):
        truth, p, blocks = sample(150, seed)
        low, high = score(metric("roc_auc"), truth, two(p), blocks, seed, replicates=300)[1]
        held += low <= 0.8742 <= high  # by 4,000,000 rows
    assert held >= 70  # 95 % of 80 is 76; fewer than 70 happens once in 500


def test_heavy_tails_widen_a_small_sample():
    """Against the percentile interval: next to nothing for even errors, a good deal for heavy tails."""
    rng, wider = np.random.default_rng(2), []
    for x in (rng.uniform(-1, 1, 120), rng.standard_t(3, 120)):
        draws = bootstrap_weights(np.arange(120), 1_000)
        values = np.concatenate([metric("rmse").resample(x, np.zeros(120), w) for w in draws])
        interval = score(metric("rmse"), x, np.zeros(120), np.arange(120))[1]
        wider.append(np.ptp(interval) / np.ptp(np.quantile(values, [0.025, 0.975])))
    assert wider[0] < 1.08 and wider[1] > 1.3


def test_nothing_wrong_is_not_certainty():
    truth = np.array([0, 1] * 50)
    value, (low, high) = score(metric("accuracy"), truth, truth, np.arange(100))
    assert (value, high) == (1.0, 1.0)
    assert low == pytest.approx(wilson(100, 100)[0]) == pytest.approx(1 - unseen_share(100))
    value, (low, high) = score(metric("accuracy"), truth, 1 - truth, np.arange(100))
    assert (value, low) == (0.0, 0.0) and high == pytest.approx(unseen_share(100))


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "log_loss", "brier"])
def test_a_perfect_ranking_is_not_certainty(name):
    truth = np.array([0, 1] * 20)
    value, (low, high) = score(metric(name), truth, two(np.where(truth == 1, 0.98, 0.02)), np.arange(40))
    assert low <= value <= high and high - low > 0.02
    assert metric(name).worst != low and metric(name).worst != high


def test_no_error_in_values_is_not_certainty():
    truth = np.random.default_rng(0).normal(50, 10, 100)
    value, (low, high) = score(metric("rmse"), truth, truth, np.arange(100))
    assert (value, low) == (0.0, 0.0)
    assert high == pytest.approx(truth.std() * math.sqrt(unseen_share(100)))


def test_intervals_stay_in_the_range_of_the_metric():
    truth = np.array([0] * 30 + [1] * 30)
    decision = truth.copy()
    decision[0] = 1
    low, high = score(metric("accuracy"), truth, decision, np.arange(60))[1]
    assert 0.93 > low > 0.85 and 59 / 60 <= high <= 1.0


def test_one_block_has_no_interval():
    truth, p, _ = sample(40)
    value, interval = score(metric("roc_auc"), truth, two(p), np.zeros(40, int))
    assert math.isfinite(value) and np.isnan(interval).all()


def test_no_rows_is_an_error():
    with pytest.raises(DataError, match=r"there are no rows to judge\. Rule: a score needs at least one row"):
        score(metric("rmse"), np.zeros(0), np.zeros(0), np.zeros(0, int))


def test_replicates_with_one_class_are_left_out():
    truth = np.array([1, 1] + [0] * 60)  # two positives: one resample in eight has none
    p = np.linspace(0.1, 0.9, 62)[::-1].copy()
    p[1] = 0.2
    value, (low, high) = score(metric("roc_auc"), truth, two(p), np.arange(62))
    assert 0 <= low < value < high <= 1


def test_row_weights_reach_value_and_interval():
    truth, p, blocks = sample(300)
    weights = np.where(truth == 1, 3.0, 1.0)
    value, (low, high) = score(metric("brier"), truth, two(p), blocks, weights=weights)
    assert value == pytest.approx(np.average((p - truth) ** 2, weights=weights))
    assert low < value < high
    half = np.where(np.arange(300) % 2 == 0, 1.0, 0.0)  # rows of weight 0 are as good as absent
    without = score(metric("brier"), truth[::2], two(p[::2]), blocks[::2], replicates=8_000)[1]
    found = score(metric("brier"), truth, two(p), blocks, weights=half, replicates=8_000)[1]
    assert found == pytest.approx(without, abs=0.003)


# differences ----------------------------------------------------------------------------------------------------------


def test_positive_means_the_first_is_better_whichever_way_the_metric_points():
    truth, p, blocks = sample(1_000)
    blurred = 0.5 + 0.4 * (p - 0.5)
    blurred[::3] = 0.5
    for name in ("roc_auc", "log_loss"):
        found = compare(metric(name), truth, two(p), two(blurred), blocks)
        turned = compare(metric(name), truth, two(blurred), two(p), blocks)
        assert found.value > 0 and found.interval[0] > 0 and found.decided and found.p < 0.01
        assert turned.value == pytest.approx(-found.value) and turned.interval[1] < 0
        assert found.n == 1_000


def test_pairing_narrows_the_interval():
    truth, p, blocks = sample(500)
    near = np.clip(p + np.random.default_rng(0).normal(0, 0.02, 500), 0.001, 0.999)
    paired = np.ptp(compare(metric("log_loss"), truth, two(p), two(near), blocks).interval)
    alone = np.ptp(score(metric("log_loss"), truth, two(p), blocks)[1])
    assert paired < alone / 3


def test_p_and_interval_agree():
    rng = np.random.default_rng(9)
    for shift in (0.0, 0.05, 0.1, 0.12, 0.15, 0.2):
        truth = rng.normal(size=300)
        a, b = truth + rng.normal(size=300), truth + (1 + shift) * rng.normal(size=300)
        found = compare(metric("rmse"), truth, a, b, np.arange(300))
        assert (found.p < 0.05) == found.decided


def test_equal_predictions_differ_by_nothing():
    truth, p, blocks = sample(100)
    found = compare(metric("log_loss"), truth, two(p), two(p), blocks)
    assert (found.value, found.interval, found.p, found.decided) == (0.0, (0.0, 0.0), 1.0, False)


def test_equal_decisions_may_still_differ_elsewhere():
    truth, p, blocks = sample(100)
    decision = (p > 0.5).astype(int)
    found = compare(metric("accuracy"), truth, decision, decision, blocks)
    assert found.interval == pytest.approx((-unseen_share(100), unseen_share(100)))


# searching and planning -----------------------------------------------------------------------------------------------


def test_optimism_is_about_what_choosing_among_equals_gains():
    rng, gains, told = np.random.default_rng(1), [], []
    for seed in range(12):
        truth = rng.normal(size=300)
        candidates = [truth + rng.normal(size=300) for _ in range(12)]  # every one has a true RMSE of 1
        gains.append(1 - min(metric("rmse").score(truth, c) for c in candidates))
        told.append(optimism(metric("rmse"), truth, candidates, np.arange(300), seed, replicates=100))
    assert np.mean(told) == pytest.approx(np.mean(gains), rel=0.35)


def test_one_candidate_has_no_optimism():
    truth, p, blocks = sample(100)
    assert optimism(metric("roc_auc"), truth, [two(p)], blocks) == 0.0


def test_a_clear_winner_has_little_optimism():
    truth, p, blocks = sample(500)
    poor = [two(np.random.default_rng(k).random(500)) for k in range(5)]
    assert optimism(metric("roc_auc"), truth, [two(p), *poor], blocks) < 0.002


def test_smallest_difference_shrinks_with_rows_and_matches_a_real_pair():
    output = Output("y", Task("classes"), ("no", "yes"))
    widths = [smallest_difference(metric("roc_auc"), output, *sample(n)[::2]) for n in (500, 2_000)]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.2)
    truth, p, blocks = sample(500)
    told = smallest_difference(metric("log_loss"), output, truth, blocks, prediction=two(p), alike=0.5)
    influence = -np.log(np.where(truth == 1, p, 1 - p))
    assert told == pytest.approx(1.96 * influence.std(ddof=1) / math.sqrt(500), rel=0.02)


@pytest.mark.parametrize("name", ["roc_auc", "expected_cost", "accuracy", "f1", "brier"])
def test_half_informed_classes_are_neither_blind_nor_perfect(name):
    truth = sample(2_000)[0]
    output = Output("y", Task("classes"), ("no", "yes"))
    value = metric(name).score(truth, half_informed(metric(name), output, truth))
    worst = (
        max(metric(name).score(truth, two(np.full(2_000, 0.5))), 0.25) if metric(name).reads == "probability" else 0.5
    )
    assert abs(value - metric(name).best) < abs(worst - metric(name).best)
    assert value != metric(name).best


def test_half_informed_values_explain_half():
    truth = np.random.default_rng(0).gamma(2, 5, 4_000)
    guess = half_informed(metric("r2"), Output("y", Task("values")), truth)
    assert metric("r2").score(truth, guess) == pytest.approx(0.5, abs=0.05)


def test_half_informed_prices_stay_above_a_tenth_of_the_mean():
    truth = np.exp(np.random.default_rng(0).normal(0, 1.5, 2_000))
    guess = half_informed(metric("rmse"), Output("y", find("tasks", "price")()), truth)
    assert guess.min() == pytest.approx(0.1 * truth.mean())
    assert np.quantile(guess, 0.9) > truth.mean() > np.median(guess)
    plain = half_informed(metric("rmse"), Output("y", Task("values")), truth)
    assert plain.min() < 0, "what may be negative is left so"


@pytest.mark.parametrize(("labels", "name"), [(("no", "yes"), "accuracy"), (("a", "b", "c"), "accuracy")])
def test_half_informed_decisions_are_better_than_the_most_frequent_label(labels, name):
    rng = np.random.default_rng(1)
    shares = (0.8, 0.2) if len(labels) == 2 else (0.6, 0.3, 0.1)
    truth = rng.choice(len(labels), 3_000, p=shares)
    output = Output("y", Task("classes"), labels)
    decided = half_informed(metric(name), output, truth)
    assert shares[0] + 0.03 < (decided == truth).mean() < 0.97
    probability = half_informed(metric("log_loss"), output, truth)
    assert probability.shape == (3_000, len(labels))
    assert probability.sum(1) == pytest.approx(np.ones(3_000))
    assert probability.mean(0) == pytest.approx(shares, abs=0.02)
    if len(labels) == 2:  # cut where it pays, and not at one half: at 0.8 and 0.2 these differ for F1
        found = half_informed(metric("f1"), output, truth)
        assert found.mean() > (probability[:, 1] >= 0.5).mean() + 0.02
        assert metric("f1").score(truth, found) > metric("f1").score(truth, (probability[:, 1] >= 0.5).astype(np.int64))


# slices ---------------------------------------------------------------------------------------------------------------


def test_slices_are_judged_or_say_why_not():
    truth, p, blocks = sample(600)
    masks = {"first": np.arange(600) < 300, "few": np.arange(600) < 12, "one": truth == 1}
    first, few, one = slice_scores(metric("roc_auc"), truth, two(p), masks, blocks)
    assert first.value == pytest.approx(metric("roc_auc").score(truth[:300], two(p[:300]))) and not first.silence
    assert first.interval[0] < first.value < first.interval[1]
    assert first.ratio == pytest.approx(p[:300].sum() / truth[:300].sum())
    assert first.ratio_interval[0] < first.ratio < first.ratio_interval[1]
    assert few.silence == "only 12 rows, fewer than 20" and math.isnan(few.value)
    assert one.silence.endswith("rows have the same label") and one.n == truth.sum()
    assert one.to_dict()["value"] is None and one.to_dict()["interval"] == [None, None]


def test_the_gap_finds_the_slice_that_was_spoiled():
    truth, p, _ = sample(900)
    part = np.arange(900) % 3
    p[part == 1] = 0.5 + 0.3 * (np.random.default_rng(0).random((part == 1).sum()) - 0.5)
    masks = {name: part == code for code, name in enumerate("abc")}
    gap = slice_gap(metric("roc_auc"), truth, two(p), masks)
    assert gap is not None and gap.worst == "b" and gap.best in "ac"
    assert gap.difference.value > 0.2 and gap.difference.decided and gap.difference.n == 600
    assert gap.difference.interval[1] - gap.difference.interval[0] > 0.05
    assert slice_gap(metric("roc_auc"), truth, two(p), {"a": part == 0}) is None


def test_slices_read_frames_of_masks():
    truth, p, _ = sample(200)
    mask = pl.Series([i % 2 == 0 for i in range(200)]).to_numpy()
    (found,) = slice_scores(metric("accuracy"), truth, (p > 0.5).astype(int), {"even": mask}, calibrated=p)
    assert found.n == 100 and math.isfinite(found.ratio)


def test_score_in_the_shape_of_json():
    found = Score("y", "rmse", 1.5, (1.0, math.nan), 100, 90, "test", 1, slices=(SliceScore("s", 3, silence="few"),))
    assert found.to_dict() == {
        "output": "y", "metric": "rmse", "value": 1.5, "interval": [1.0, None], "n": 100, "rows": "test", "looks": 1,
    }  # fmt: skip
    assert found.facts()["slices"][0]["silence"] == "few" and found.facts()["n_units"] == 90
    assert Score("y", "rmse", 1.5, (1.0, 2.0), 100, 90, "validation").to_dict()["looks"] == 0, (
        "rows that nobody counts looks at"
    )
