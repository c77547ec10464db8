"""Bins of numbers: the same edges as scikit-learn's trees find, and what columns of few values get."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from fieldguide.parts.nets.bins import LEAST_GAIN, bin_edges, tree_thresholds


def test_columns_with_two_values_are_not_binned() -> None:
    numbers = np.stack([np.arange(100) % 2, np.arange(100), np.zeros(100)], 1).astype(np.float32)
    assert bin_edges(numbers, 4) == [[], [0.0, 24.75, 49.5, 74.25, 99.0], []]
    tree = bin_edges(numbers, 4, (numbers[:, 1] > 30).astype(np.int64), classes=True)
    assert tree == [[], [0.0, 30.5, 99.0], []]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 20), st.booleans())
def test_thresholds_are_those_of_a_decision_tree(seed: int, n_leaves: int, min_rows: int, classes: bool) -> None:
    rng = np.random.default_rng(seed)
    column = np.float32(rng.normal(size=300) if seed % 2 else rng.integers(0, 40, 300))
    if classes:
        target = rng.integers(0, 3, 300) * (column > rng.normal())
        goal, tree = np.eye(int(target.max()) + 1)[target], DecisionTreeClassifier
    else:
        target = np.sin(column) + rng.normal(size=300)
        goal, tree = target[:, None], DecisionTreeRegressor
    fitted = tree(
        max_leaf_nodes=n_leaves, min_samples_leaf=min_rows, min_impurity_decrease=LEAST_GAIN, random_state=0
    ).fit(column[:, None], target)  # fmt: skip
    expected = np.sort(fitted.tree_.threshold[fitted.tree_.feature == 0])
    assert np.sort(tree_thresholds(column, goal, n_leaves, min_rows)) == pytest.approx(expected, rel=1e-6)


def test_edges_that_meet_in_float32_are_one_edge() -> None:
    column = np.repeat(1e6 + np.arange(40) * 0.02, 5)[:, None].astype(np.float32)
    (edges,) = bin_edges(column, 48)
    assert np.all(np.diff(np.asarray(edges, np.float32)) > 0)


def test_a_vector_splits_where_any_of_its_entries_does() -> None:
    x = np.linspace(0, 1, 400, dtype=np.float32)[:, None]
    target = np.stack([1000.0 * (x[:, 0] > 0.3), 0.001 * (x[:, 0] > 0.7)], axis=1)
    (edges,) = bin_edges(x, 3, target)
    assert np.allclose(edges, [0.0, 0.3, 0.7, 1.0], atol=0.01)
