"""Confident learning: a hand-computed case, the reference implementation where it is installed, and known wrong labels."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.statistics.label_noise import confident_learning, normalised_margin


def problem(n=2000, k=4, share=0.08, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), true] += 3.5
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = rng.random(n) < share
    given = np.where(wrong, (true + rng.integers(1, k, n)) % k, true)
    return given, p, wrong


def test_a_case_by_hand():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.6, 0.4]])
    given = np.array([0, 0, 0, 1, 1, 1])
    noise = confident_learning(given, p)
    assert noise.thresholds == pytest.approx([0.8, 0.7])
    # confident: rows 0 and 1 as class 0, rows 3 and 4 as class 1; rows 2 and 5 as nothing
    assert noise.joint == pytest.approx(np.array([[0.5, 0], [0, 0.5]]))
    assert noise.share == pytest.approx(0) and len(noise.rows) == 0


def test_the_share_and_the_rows_are_about_right():
    given, p, wrong = problem()
    noise = confident_learning(given, p)
    assert noise.share == pytest.approx(wrong.mean(), abs=0.03)
    assert noise.joint.sum() == pytest.approx(1)
    assert noise.joint.sum(axis=1) == pytest.approx(np.bincount(given) / len(given))
    assert wrong[noise.rows].mean() > 0.8
    margins = normalised_margin(given, p)[noise.rows]
    assert (np.diff(margins) >= 0).all()
    assert (noise.guessed != given[noise.rows]).all()


def test_a_class_that_nobody_carries_is_no_error():
    given, p, _ = problem(k=3)
    noise = confident_learning(np.where(given == 2, 0, given), p)
    assert np.isfinite(noise.joint).all() and noise.joint[2].sum() == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_those_of_the_reference(seed):
    cleanlab = pytest.importorskip("cleanlab", reason="cleanlab is not installed")
    from cleanlab.count import estimate_joint
    from cleanlab.filter import find_label_issues

    assert cleanlab
    given, p, _ = problem(seed=seed)
    noise = confident_learning(given, p)
    assert noise.joint == pytest.approx(estimate_joint(given, p), abs=2e-3)
    theirs = find_label_issues(
        given, p, filter_by="prune_by_noise_rate", return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    assert len(np.intersect1d(noise.rows, theirs)) > 0.95 * max(len(noise.rows), len(theirs))
