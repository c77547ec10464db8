"""The quick model: against its formulas, against chance, and whole units at a time."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.contracts import Roles
from fieldguide.core.table import Column, Table
from fieldguide.steps.explore.signal import (
    PENALTIES,
    Design,
    _ridge,
    against_chance,
    auc,
    crossfit,
    design_of,
    explained,
    ranks_of,
    shuffled,
    units_of,
)

RNG = np.random.default_rng(0)


def roles_of(blocks, times=None):
    return Roles(np.arange(len(blocks), dtype=np.uint64), np.asarray(blocks), times)


def plain(x, units=None):
    return Design(np.arange(len(x)), x.astype(np.float32), np.arange(len(x)) if units is None else units)


def test_the_ridge_is_the_one_that_generalised_cross_validation_prefers():
    n, d = 300, 12
    x, new = RNG.normal(size=(n, d)).astype(np.float32), RNG.normal(size=(50, d)).astype(np.float32)
    y = x @ RNG.normal(size=(d, 3)) + RNG.normal(0, [0.1, 2, 30], (n, 3))
    found = _ridge(x, y, new)
    centred = x - x.mean(axis=0)
    for i in range(3):
        best = (np.inf, np.zeros(50))
        for penalty in PENALTIES:
            inverse = np.linalg.inv(centred.T @ centred + penalty * n * np.eye(d)) @ centred.T
            weights = inverse @ (y[:, i] - y[:, i].mean())
            left = ((y[:, i] - y[:, i].mean() - centred @ weights) ** 2).sum()
            judged = left / (1 - (np.trace(centred @ inverse) + 1) / n) ** 2
            best = min(best, (judged, (new - x.mean(axis=0)) @ weights + y[:, i].mean()), key=lambda pair: pair[0])
        assert found[:, i] == pytest.approx(best[1], abs=1e-3)


def test_rows_are_predicted_by_a_model_that_saw_neither_them_nor_their_unit():
    units = np.repeat(np.arange(40), 5)
    x = np.eye(40, dtype=np.float32)[units]  # the unit itself is the only feature
    y = RNG.normal(size=40)[units][:, None]
    assert explained(y, crossfit(plain(x, units), y, np.random.default_rng(0)))[0] < 0.05
    assert explained(y, crossfit(plain(x), y, np.random.default_rng(0)))[0] > 0.5


def test_labels_that_are_not_known_are_predicted_and_not_learned_from():
    x = RNG.normal(size=(200, 2))
    y = np.stack([x[:, 0], np.where(np.arange(200) % 2, x[:, 0], np.nan)], axis=1)
    found = crossfit(plain(x), y, np.random.default_rng(0))
    assert not np.isnan(found).any()
    assert np.corrcoef(found[:, 1], x[:, 0])[0, 1] > 0.99


def test_interactions_are_seen_through_the_hidden_units():
    n = 3_000
    a, b = RNG.normal(size=(2, n))
    table = Table(pl.DataFrame({"a": a, "b": b}), (Column("a", "number"), Column("b", "number")))
    design = design_of(table, roles_of(np.arange(n)), seed=0)
    assert against_chance(design, (a * b > 0).astype(float), seed=0).p == 0.005


def test_noise_is_found_predictable_as_often_as_the_level_says():
    design = plain(RNG.normal(size=(120, 6)))
    ps = [
        against_chance(design, np.random.default_rng(i).normal(size=120), seed=i, n_shuffles=39).p for i in range(200)
    ]
    assert np.mean(np.array(ps) <= 0.05) == pytest.approx(0.05, abs=0.04)
    assert np.mean(ps) == pytest.approx(0.5, abs=0.07)


def test_units_that_share_feature_and_label_are_no_evidence():
    units = np.repeat(np.arange(30), 10)
    ps = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(30, 3))[units] + 0.1 * rng.normal(size=(300, 3)), rng.normal(size=30)[units]
        ps.append(against_chance(plain(x, units), y, seed=seed, n_shuffles=39).p)
    assert np.mean(np.array(ps) <= 0.05) < 0.15
    alone = [against_chance(plain(x), y, seed=seed, n_shuffles=39).p for seed in range(3)]
    assert max(alone) <= 0.05  # rows one by one would be fooled


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=40), st.integers(0, 100))
def test_a_shuffle_deals_out_the_same_labels(units, seed):
    labels = np.arange(len(units), dtype=float)
    dealt = shuffled(labels, np.array(units), 3, np.random.default_rng(seed))
    assert all(sorted(dealt[:, i]) == sorted(labels) for i in range(3))


def test_units_are_blocks_or_runs_of_time_or_rows():
    n = 100
    assert len(np.unique(units_of(roles_of(np.arange(n) // 5)))) == 20
    assert (units_of(roles_of(np.arange(n))) == np.arange(n)).all()
    along = units_of(roles_of(np.arange(n), np.arange(n)[::-1]))
    assert len(np.unique(along)) == 50 and along[0] == along[1] == 49


def test_a_design_is_finite_and_bounded_whatever_stands_in_the_columns():
    n = 60
    frame = pl.DataFrame({
        "x": [None, *range(n - 1)], "c": ["a"] * n, "wide": [f"level {i}" for i in range(n)], "b": [i % 2 == 0 for i in range(n)],
        "none": pl.Series([None] * n, dtype=pl.Float64),
    }).with_columns(pl.col("x").cast(pl.Float64))  # fmt: skip
    kinds = {"x": "number", "c": "category", "wide": "category", "b": "boolean", "none": "number"}
    design = design_of(Table(frame, tuple(Column(k, v) for k, v in kinds.items())), roles_of(np.arange(n)), seed=0)
    assert np.isfinite(design.matrix).all() and design.matrix.shape[1] < 600


def test_ranks_and_areas():
    assert ranks_of(np.array([3.0, np.nan, 1.0, 3.0]))[[0, 3]].tolist() == pytest.approx([2 / 3, 2 / 3])
    truth, ranking = RNG.random(80) < 0.3, RNG.random(80).round(1)
    pairs = ranking[truth][:, None] - ranking[~truth]
    assert auc(truth, ranking) == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
