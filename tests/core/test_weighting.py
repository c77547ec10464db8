"""Row weights in what is judged: effective size, bad weights, and every number the weighted population's."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import DataError
from fieldguide.core.leaderboard import difference, judge, threshold_for
from fieldguide.core.problem import Output, Problem
from fieldguide.core.resolution import smallest_difference
from fieldguide.core.score import compare, optimism, score, told
from fieldguide.core.slices import slice_gap, slice_scores
from fieldguide.core.statistics.bootstrap import wilson
from fieldguide.core.statistics.calibration import calibration, calibration_ratio
from fieldguide.core.statistics.operating_point import cost_curve, operating_point, threshold_to_reach
from fieldguide.core.statistics.threshold import label_thresholds
from fieldguide.core.statistics.weighting import check_weights, effective_size, mean_one
from fieldguide.parts import find

N = 90
RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, N)
P = np.round(np.clip(0.35 * TRUTH + RNG.uniform(0.05, 0.6, N), 0.01, 0.99), 2)
PROBABILITY = np.column_stack([1 - P, P])
TIMES = RNG.integers(0, 5, N)  # how often a row is repeated, or what it weighs
TIMES[:4] = (1, 2, 1, 3)
ROWS = np.repeat(np.arange(N), TIMES)


def output_of(metric: str, task: str = "binary", **settings: float) -> Output:
    labels = ("no", "yes") if task == "binary" else ()
    return Output("y", find("tasks", task)(), labels, find("metrics", metric)(**settings))


# --- the weights themselves -------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.just(0.0) | st.floats(1e-100, 1e200), min_size=1, max_size=30), st.floats(1e-90, 1e90))
def test_kish_lies_between_one_and_the_rows_and_knows_no_unit(weights: list[float], unit: float) -> None:
    found = effective_size(np.array(weights))
    assert (found == 0.0) if max(weights) == 0 else 1 - 1e-9 <= found <= len(weights) * (1 + 1e-9)
    assert effective_size(unit * np.array(weights)) == pytest.approx(found, rel=1e-6, abs=1e-9)


def test_kish_of_units_is_that_of_their_mean_weights() -> None:
    assert effective_size(np.array([1.0, 3, 2, 2]), np.array([0, 0, 1, 2])) == pytest.approx(3.0)


def test_mean_one_keeps_ratios_and_leaves_nothing_as_it_is() -> None:
    assert mean_one(np.array([2e9, 6e9])).tolist() == [0.5, 1.5] and mean_one(np.zeros(2)).tolist() == [0.0, 0.0]
    assert mean_one(np.array([0.5e308, 1.5e308])) == pytest.approx([0.5, 1.5])


def test_all_bad_weights_are_counted_and_named_at_once() -> None:
    with pytest.raises(DataError) as told_of:
        check_weights("w", np.array([1.0, np.nan, -2.0, np.inf, -1.0]))
    text = str(told_of.value)
    for said in ("'w' cannot be used", "1 missing or not a number (first: row 1)", "1 infinite (first: row 3)",
                 "2 negative (first: row 2, 4)", "0 or more"):  # fmt: skip
        assert said in text
    with pytest.raises(DataError, match="'w' are all 0"):
        check_weights("w", np.zeros(3))


# --- a weight of k is k rows, in everything that is told --------------------------------------------------------------


@pytest.mark.parametrize(("metric", "costs"), [
    ("roc_auc", {}), ("log_loss", {}), ("f1", {}), ("expected_cost", {"false_positive": 1.0, "false_negative": 4.0}),
])  # fmt: skip
def test_judged_by_weights_is_judged_on_repeated_rows(metric: str, costs: dict[str, float]) -> None:
    output = output_of(metric, **(costs if metric == "expected_cost" else {}))
    problem = Problem((output,), costs=costs)
    weighed = judge(
        problem, (TRUTH,), (PROBABILITY,), np.arange(N), seed=0, rows="test", weights=TIMES / 7.0, replicates=100
    )
    plain = judge(problem, (TRUTH[ROWS],), (PROBABILITY[ROWS],), ROWS, seed=0, rows="test", replicates=100)
    one, other = weighed["scores"][0], plain["scores"][0]
    assert one["value"] == pytest.approx(other["value"]) and weighed["thresholds"] == plain["thresholds"]
    assert one["weighted"]["effective"] == pytest.approx(effective_size(TIMES)) and "weighted" not in other
    title = output.metric.title
    assert told(one).startswith(f"weighted {title} ") and told(other).startswith(f"{title} ")
    a, b = weighed["calibration"][0], plain["calibration"][0]
    assert a["ratio"] == pytest.approx(b["ratio"]) and a["ratios"] == pytest.approx(b["ratios"])


def test_intervals_resample_rows_with_their_weights() -> None:
    """Rows of weight 0 change nothing but the draws; a weight that few rows hold makes the interval wide."""
    metric, blocks = find("metrics", "mae")(), np.arange(400)
    truth, guess = np.random.default_rng(1).normal(size=400), np.zeros(400)
    _, even = score(metric, truth, guess, blocks)
    weights = np.where(np.arange(400) < 20, 200.0, 1.0)
    value, uneven = score(metric, truth, guess, blocks, weights=weights)
    assert value == pytest.approx(np.average(np.abs(truth), weights=weights))
    widths = [high - low for low, high in (even, uneven)]
    expected = np.sqrt(400 / effective_size(weights))
    assert 0.6 * expected < widths[1] / widths[0] < 1.5 * expected


def test_where_nothing_varies_the_interval_counts_the_rows_that_weights_are_worth() -> None:
    metric, right, blocks = find("metrics", "accuracy")(), np.tile([0, 1], 50), np.arange(100)
    weights = np.where(np.arange(100) < 10, 50.0, 1.0)
    ends = [score(metric, right, right, blocks, weights=w)[1][0] for w in (None, weights)]
    share = 3.8415 / (effective_size(weights) + 3.8415)
    assert ends[0] == pytest.approx(100 / 103.8415, abs=1e-4) and ends[1] == pytest.approx(1 - share, abs=1e-4)
    gap = compare(metric, right, right, right, blocks, weights=weights)
    assert gap.interval == pytest.approx((-share, share), abs=1e-4)


def test_comparisons_are_paired_and_weighted() -> None:
    other = np.column_stack([P, 1 - P])
    found = difference(
        output_of("brier"), TRUTH, PROBABILITY, other, np.arange(N), seed=0, replicates=100, weights=TIMES
    )
    plain = difference(output_of("brier"), TRUTH[ROWS], PROBABILITY[ROWS], other[ROWS], ROWS, seed=0, replicates=100)
    assert found["value"] == pytest.approx(plain["value"])


def test_intervals_along_time_are_widened_by_what_weighs() -> None:
    """Errors last in the first half and do not in the second: the interval is as wide as the half that counts asks for."""
    rng = np.random.default_rng(3)
    lasting = 2 * np.convolve(rng.normal(size=419), np.ones(20) / 20**0.5, "valid")
    truth, guess, when = np.concatenate([lasting, rng.normal(size=400)]), np.zeros((800, 1)), np.arange(800) * 10**6
    early, problem = when < 400 * 10**6, Problem((output_of("mae", "regression"),))
    found = {}
    for name, weights in (("early", early * 1.0), ("late", ~early * 1.0)):
        score = judge(
            problem, (truth,), (guess,), np.arange(800), seed=0, rows="test", replicates=200, times=when, weights=weights
        )["scores"][0]  # fmt: skip
        times = re.search(r"([\d.]+) times as wide", score.get("made", ""))
        found[name] = float(times[1]) if times else 1.0
    assert found["early"] > 1.5 * found["late"]


def test_slices_are_weighted_and_the_gap_between_them() -> None:
    masks = {"one": np.arange(N) % 2 == 0, "other": np.arange(N) % 2 == 1}
    metric, blocks = find("metrics", "log_loss")(), np.arange(N)
    found = slice_scores(metric, TRUTH, PROBABILITY, masks, blocks, replicates=50, weights=TIMES)
    for part in found:
        mask = masks[part.name]
        assert part.value == pytest.approx(metric.score(TRUTH[mask], PROBABILITY[mask], TIMES[mask]))
        assert part.ratio == pytest.approx(calibration_ratio(TRUTH[mask], P[mask], TIMES[mask]))
    gap = slice_gap(metric, TRUTH, PROBABILITY, masks, blocks, replicates=50, weights=TIMES)
    assert gap is not None and gap.difference.value == pytest.approx(abs(found[0].value - found[1].value))
    silent = slice_scores(metric, TRUTH, PROBABILITY, masks, blocks, weights=np.where(masks["one"], 0.0, 1.0))
    assert silent[0].silence == "only 0 of 45 rows weigh anything, fewer than 20" and not silent[1].silence


def test_calibration_bins_are_weighted() -> None:
    found = calibration(TRUTH, PROBABILITY, np.arange(N), ("no", "yes"), replicates=50, weights=TIMES)
    assert sum(cell["share"] for cell in found.bins) == pytest.approx(1.0)
    expected = sum(cell["share"] * cell["observed"] for cell in found.bins)
    assert expected == pytest.approx(np.average(TRUTH, weights=TIMES))
    rare = calibration(TRUTH, PROBABILITY, np.arange(N), ("no", "yes"), weights=np.where(TRUTH == 1, 1.0, 20.0))
    assert rare.ratio > 3 and rare.interval[0] > 1.5, "the interval is that of the weighted ratio"
    assert found.error == pytest.approx(sum(c["share"] * abs(c["predicted"] - c["observed"]) for c in found.bins))


def test_thresholds_costs_and_operating_points_are_weighted() -> None:
    weights, wrong = TIMES.astype(float), {"false_positive": 1.0, "false_negative": 3.0}
    assert threshold_for(output_of("log_loss"), TRUTH, PROBABILITY, wrong, weights=weights) == threshold_for(
        output_of("log_loss"), TRUTH[ROWS], PROBABILITY[ROWS], wrong
    )
    aimed = threshold_to_reach(TRUTH, P, {"recall": 0.8}, weights)
    assert aimed.threshold == threshold_to_reach(TRUTH[ROWS], P[ROWS], {"recall": 0.8}).threshold
    one, other = (operating_point(*rows) for rows in ((TRUTH, P, 0.5, weights), (TRUTH[ROWS], P[ROWS], 0.5)))
    for name in ("recall", "precision"):
        assert one[name]["value"] == pytest.approx(other[name]["value"])
        rows = (TRUTH == 1) if name == "recall" else (P >= 0.5)
        n = effective_size(weights[rows])
        assert one[name]["interval"] == pytest.approx(wilson(one[name]["value"] * n, n)), (
            "repeated rows are not more rows"
        )
    for point, plain in zip(
        cost_curve(TRUTH, P, wrong, 5, weights), cost_curve(TRUTH[ROWS], P[ROWS], wrong, 5), strict=True
    ):
        assert point == pytest.approx(plain)


def test_label_thresholds_are_chosen_and_made_sure_of_by_weight() -> None:
    """Among rows that count a cut at 0.3 is right; the others, which weigh nothing, would have none of it."""
    p = np.tile([0.1, 0.4, 0.6, 0.9], 40)
    heard = np.arange(160) < 80
    truth = np.where(heard, p > 0.3, p > 0.5).astype(np.int64)[:, None]
    metric = find("metrics", "f1_micro")()
    assert label_thresholds(truth, p[:, None], metric) == (0.5,)
    assert label_thresholds(truth, p[:, None], metric, heard * 1.0) == (0.25,)


def test_the_luck_of_a_search_and_the_smallest_difference_grow_with_uneven_weights() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, 400)
    guesses = [np.column_stack([1 - p, p]) for p in rng.random((6, 400))]
    metric, blocks, weights = find("metrics", "roc_auc")(), np.arange(400), np.where(np.arange(400) < 25, 50.0, 1.0)
    luck = [optimism(metric, truth, guesses, blocks, weights=w) for w in (None, weights)]
    assert luck[1] > 2 * luck[0]
    half, right = np.arange(400) < 60, np.column_stack([1 - truth, truth]).astype(float)
    never = np.where(
        half[:, None], right[:, ::-1], right
    )  # wrong wherever it counts, and right elsewhere: it never wins
    alone, beside = (optimism(metric, truth, g, blocks, weights=half * 1.0) for g in (guesses, [never, *guesses]))
    assert beside == pytest.approx(alone)
    least = [smallest_difference(metric, output_of("roc_auc"), truth, blocks, weights=w) for w in (None, weights)]
    assert least[1] > 2 * least[0]


def test_a_metric_without_a_weighted_form_says_so() -> None:
    points = np.random.default_rng(6).normal(size=(60, 2)) + 6 * np.eye(2)[np.arange(60) % 2]
    answer = np.eye(2)[np.arange(60) % 2]
    output = Output("group", find("tasks", "clustering")(), ("a", "b"), find("metrics", "silhouette")())
    how = {"seed": 0, "rows": "test", "replicates": 50}
    found, plain = (
        judge(Problem((output,)), (points,), (answer,), np.arange(60), weights=w, **how)["scores"][0]
        for w in (np.arange(60.0), None)
    )
    assert found["value"] == plain["value"] and found["weighted"] is False
    assert told(found).startswith("unweighted silhouette ")
