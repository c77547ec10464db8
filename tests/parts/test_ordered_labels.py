"""Ordered labels: proportional odds against statsmodels, its gradients, and levels that no row has."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.contracts import Effort
from fieldguide.core.problem import Output
from fieldguide.parts import find
from fieldguide.parts.learners import _cumulative as cumulative
from fieldguide.parts.learners._proportional import Ordered
from fieldguide.testing.learner import example


def ordered(numbers: np.ndarray, codes: np.ndarray, n_labels: int) -> tuple[Encoded, tuple[Output, ...]]:
    layout = Layout(tuple(f"n{i}" for i in range(numbers.shape[1])))
    arrays: dict[str, Any] = {"numbers": numbers.astype(np.float32), "codes": np.zeros((len(codes), 0), np.int32)}
    labels = tuple(map(str, range(n_labels)))
    return Encoded(Batch(layout, arrays), (codes,)), (Output("y", find("tasks", "ordinal")(), labels),)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(700, 3)).astype(np.float32)
    latent = x @ np.array([1.2, -0.7, 0.0]) + rng.logistic(size=700)
    return x, np.searchsorted([-2.0, -0.5, 0.3, 2.5], latent).astype(np.int64)


def test_proportional_odds_are_statsmodels(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    if importlib.util.find_spec("statsmodels") is None:
        pytest.skip("statsmodels, the peer, is not installed")
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    x, y = drawn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = OrderedModel(y, x.astype(np.float64), distr="logit").fit(method="bfgs", gtol=1e-8, disp=False)
    rows, outputs = ordered(x, y, 5)
    fitted = find("learners", "linear")(penalty=1e-9).fit(rows, None, outputs, Effort())
    (fit,) = fitted.fits
    cuts = peer.model.transform_threshold_params(peer.params)[1:-1]
    assert fit.numbers[:, 0] == pytest.approx(peer.params[:3], abs=2e-4)
    assert -fit.intercept == pytest.approx(cuts, abs=2e-4)
    (found,) = fitted.predict(rows.batch)
    assert found == pytest.approx(peer.predict(), abs=1e-4)
    # ours is at least as likely: the peer's optimiser may have stopped before the top
    assert -np.log(found[np.arange(len(y)), y]).sum() <= -peer.llf + 1e-6


@pytest.mark.parametrize("lacking", [None, 0, 2, 4])
def test_the_objective_has_this_gradient(drawn: tuple[np.ndarray, np.ndarray], lacking: int | None) -> None:
    x, y = drawn[0][:60], drawn[1][:60]
    y = np.where(y == lacking, 1, y)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, 60)
    codes = np.random.default_rng(1).integers(0, 3, (60, 1)).astype(np.int32)
    design = Ordered(x.astype(np.float64), codes, (("c", 3),), y[:, None], weights / weights.mean(), n_labels=5)
    at = design.start() + np.random.default_rng(2).uniform(0.1, 0.5, len(design.start()))
    assert len(at) == 3 + 3 + 1 + 3  # numbers, levels, the first cut, three gaps
    slopes = approx_fprime(at, lambda s: design.objective(s, 2.0)[0], 1e-7)
    assert design.objective(at, 2.0)[1] == pytest.approx(slopes, abs=1e-5)


def test_a_level_that_no_training_row_has_is_rare_and_not_impossible(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = drawn
    kept = np.flatnonzero((y != 2) & (y != 4))
    for name in ("linear", "boosting"):
        rows, outputs = ordered(x[kept], y[kept], 5)
        learner = find("learners", name)(**({"n_rounds": 30} if name == "boosting" else {"penalty": 1.0}))
        (found,) = learner.fit(rows, None, outputs, Effort()).predict(rows.batch)
        assert found.shape == (len(kept), 5) and found.sum(axis=1) == pytest.approx(1.0)
        assert (found[:, [2, 4]].mean(axis=0) < 0.02).all(), name
        assert (found[:, [2, 4]].mean(axis=0) > 1e-5).all(), name


def test_two_levels_in_order_are_logistic_regression() -> None:
    rows, outputs = example("binary", 300)
    two = (Output("y", find("tasks", "ordinal")(), outputs[0].labels),)
    learner = find("learners", "linear")(penalty=2.0)
    (ours,), (theirs,) = (learner.fit(rows, None, o, Effort()).predict(rows.batch) for o in (two, outputs))
    assert ours == pytest.approx(theirs, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.floats(-1e3, 1e3), st.lists(st.floats(1e-6, 50.0), min_size=1, max_size=6), st.floats(-1e3, 1e3))
def test_probabilities_of_any_score_and_cuts_are_probabilities(first: float, gaps: list[float], score: float) -> None:
    parts = np.array([first, *gaps])
    found = cumulative.probabilities(score + cumulative.cuts_of(parts)[None])
    assert found.shape == (1, len(gaps) + 2) and (found >= 0).all() and found.sum() == pytest.approx(1.0)
    codes = np.arange(len(gaps) + 2)
    losses = cumulative.slopes(np.full(len(codes), score), codes, parts).loss
    assert np.isfinite(losses).all() and (losses >= 0).all()
    sure = found[0] > 1e-6
    assert losses[sure] == pytest.approx(-np.log(found[0][sure]), rel=1e-3, abs=1e-5)


def test_slopes_by_the_score_are_those_of_finite_differences() -> None:
    parts, codes = np.array([0.7, 0.4, 1.1]), np.array([0, 1, 2, 3])
    scores, step = np.array([-0.3, 0.2, 1.4, -2.0]), 1e-5
    low, mid, high = (cumulative.slopes(scores + by, codes, parts) for by in (-step, 0.0, step))
    assert mid.score == pytest.approx((high.loss - low.loss) / (2 * step), abs=1e-6)
    assert mid.curvature == pytest.approx((high.score - low.score) / (2 * step), abs=1e-6)


def test_cuts_of_constant_scores_are_the_shares() -> None:
    codes = np.repeat([0, 1, 2, 3], [10, 40, 30, 20])
    start = cumulative.first_parts(codes, np.ones(100), 4)
    found = cumulative.fitted_parts(np.zeros(100), codes, np.ones(100), start)
    assert cumulative.probabilities(cumulative.cuts_of(found)[None])[0] == pytest.approx([0.1, 0.4, 0.3, 0.2], abs=1e-4)


def test_held_out_rows_say_whether_levels_share_their_coefficients(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = drawn[0][:300], drawn[1][:300]
    odd = np.where(np.abs(x[:, 0]) < 0.6, 0, np.where(x[:, 0] > 0, 1, 2)).astype(
        np.int64
    )  # the middle is the lowest level
    links = {}
    for name, codes, n_labels in (("in order", y, 5), ("out of order", odd, 3)):
        rows, outputs = ordered(x, codes, n_labels)
        links[name] = find("learners", "linear")().fit(rows, None, outputs, Effort()).fits[0].link
    assert links == {"in order": "cumulative", "out of order": "softmax"}
    rows, outputs = ordered(x, odd, 3)
    held = find("learners", "linear")(order="proportional").fit(rows, None, outputs, Effort())
    assert held.fits[0].link == "cumulative" and held.fits[0].numbers.shape == (3, 1)


def test_ordered_trees_grow_one_tree_a_round_and_go_on_where_they_ended(
    drawn: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    x, y = drawn
    rows, outputs = ordered(x, y, 5)
    train, stop = rows.take(slice(0, 500)), rows.take(slice(500, 600))
    learner = find("learners", "boosting")(n_rounds=60, patience=15)
    fitted = learner.fit(train, stop, outputs, Effort())
    (booster,) = fitted.boosters
    assert booster.trees.n_rounds == fitted.n_steps and booster.trees.width == 1
    assert booster.trees.text.count("\nTree=") == fitted.n_steps, "not one a level"
    assert list(booster.cuts) == sorted(booster.cuts, reverse=True) and len(booster.cuts) == 4
    (found,) = fitted.predict(stop.batch)
    best = min(point["validation"] for point in fitted.history)
    loss = -np.log(found[np.arange(100), stop.targets[0]]).mean()
    assert loss <= best + 1e-6, "the cuts kept are those of the best round"
    more = learner.continued(fitted, train, stop, outputs, Effort())
    again = -np.log(more.predict(stop.batch)[0][np.arange(100), stop.targets[0]]).mean()
    assert again <= loss + 1e-6
    loaded = learner.load(tmp_path, fitted.save(tmp_path))
    assert loaded.predict(stop.batch)[0] == pytest.approx(found, abs=1e-12)
