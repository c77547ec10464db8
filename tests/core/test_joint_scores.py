"""Scores, thresholds and calibration of label sets, vectors and counts, as core makes them of arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fieldguide.core.errors import GateError
from fieldguide.core.leaderboard import judge, metric_of
from fieldguide.core.problem import Output, Problem
from fieldguide.core.resolution import half_informed, smallest_difference
from fieldguide.core.score import score
from fieldguide.core.statistics.calibration import calibration
from fieldguide.core.statistics.threshold import label_thresholds
from fieldguide.parts import find
from fieldguide.testing.learner import LABELS, example

N = 300


def output_of(task: str, metric: str) -> tuple[Output, np.ndarray]:
    rows, _ = example(task, N)
    return Output("y", find("tasks", task)(), LABELS.get(task, ()), find("metrics", metric)()), rows.targets[0]


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        ("multilabel", "f1_micro"),
        ("multilabel", "log_loss"),
        ("vector", "arrmse"),
        ("count", "poisson_deviance"),
        ("ordinal", "ranked_probability"),
    ],
)
def test_the_smallest_difference_is_small_and_falls_with_rows(task: str, metric: str) -> None:
    output, truth = output_of(task, metric)
    assert output.metric is not None
    guess = half_informed(output.metric, output, truth)
    assert guess.shape[0] == N and np.isfinite(guess).all()
    value = output.metric.score(truth, guess)
    whole = smallest_difference(output.metric, output, truth, np.arange(N))
    third = smallest_difference(output.metric, output, truth[: N // 3], np.arange(N // 3))
    assert 0 < whole < third < abs(value)


@pytest.mark.parametrize(("task", "metric"), [("multilabel", "hamming_loss"), ("vector", "r2_mean")])
def test_a_perfect_answer_has_an_interval_that_is_no_point(task: str, metric: str) -> None:
    _, truth = output_of(task, metric)
    value, (low, high) = score(find("metrics", metric)(), truth, truth.copy(), np.arange(N), replicates=100)
    assert value in (0.0, 1.0) and low < high and min(abs(value - low), abs(value - high)) == 0


def test_thresholds_move_only_where_the_gain_is_beyond_chance() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, (400, 3))
    truth = (rng.random(p.shape) < p).astype(np.int64)  # calibrated: 0.5 is right for the Hamming loss
    assert label_thresholds(truth, p, find("metrics", "hamming_loss")()) == (0.5, 0.5, 0.5)
    rare = 0.4 * p
    truth = (rng.random(p.shape) < rare).astype(np.int64)  # nothing reaches 0.5, and F1 wants decisions
    cuts = label_thresholds(truth, rare, find("metrics", "f1_macro")())
    assert all(0.05 < cut < 0.3 for cut in cuts)
    assert label_thresholds(truth, rare, find("metrics", "log_loss")()) == (0.5, 0.5, 0.5)


def test_each_label_has_its_own_threshold() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random((600, 2)) < 0.4).astype(np.int64)
    p = np.clip(truth * [0.6, 0.2] + rng.uniform(0, [0.4, 0.2], truth.shape) + [0.2, 0.0], 0, 1)
    first, second = label_thresholds(truth, p, find("metrics", "f1_micro")())
    assert 0.5 <= first < 0.85 and 0.15 < second < 0.25


def test_calibration_is_told_label_by_label_and_entry_by_entry() -> None:
    truth = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
    found = calibration(truth, 0.75 * np.ones((4, 2)), np.arange(4), ("a", "b"), replicates=50)
    assert found.ratio == 1.5 and found.ratios == {"a": 1.5, "b": 1.5} and found.error == 0.25
    values = np.array([[1.0, 100.0], [3.0, 300.0]])
    found = calibration(values, values * [2.0, 0.5], np.arange(2), ("x", "y"), replicates=50)
    assert np.isnan(found.ratio) and found.ratios == {"x": 2.0, "y": 0.5} and found.bins == ()


def test_several_outputs_are_judged_side_by_side() -> None:
    (sets, a), (vectors, b) = output_of("multilabel", "f1_macro"), output_of("vector", "arrmse")
    judged = judge(
        Problem((sets, vectors)),
        (a, b),
        (0.8 * a + 0.1, b + 1.0),
        np.arange(N),
        seed=0,
        rows="validation",
        replicates=50,
    )
    assert [s["output"] for s in judged["scores"]] == ["y", "y"] and judged["scores"][0]["value"] == 1.0
    assert judged["thresholds"][0] == (0.5, 0.5, 0.5) and judged["thresholds"][1] is None
    assert judged["scores"][1]["interval"][0] <= judged["scores"][1]["value"] <= judged["scores"][1]["interval"][1]


def test_nothing_is_judged_before_its_metric_is_chosen() -> None:
    output = Output("y", find("tasks", "binary")(), ("no", "yes"))
    with pytest.raises(
        GateError, match=r"output 'y' has no metric yet\. Rule: a metric is chosen before any model .*Do: run explore"
    ):
        judge(Problem((output,)), (np.array([0, 1]),), (np.full((2, 2), 0.5),), np.arange(2), seed=0, rows="test")
    chosen = find("metrics", "log_loss")()
    assert metric_of(replace(output, metric=chosen)) is chosen
