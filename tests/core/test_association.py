"""What a column tells of a target in rows its means were not made of."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from fieldguide.core.problem import Output
from fieldguide.core.statistics.association import N_BINS, binned, explained_by_levels, indicators
from fieldguide.parts import find


def output_of(task: str, *labels: str) -> Output:
    return Output("y", find("tasks", task)(), labels)


def test_classes_become_indicators_and_values_columns() -> None:
    assert indicators(output_of("multiclass", "a", "b", "c"), np.array([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert indicators(output_of("regression"), np.array([2, 5])).tolist() == [[2.0], [5.0]]
    assert indicators(output_of("multilabel", "a", "b"), np.array([[1, 0], [1, 1]])).tolist() == [
        [1.0, 0.0],
        [1.0, 1.0],
    ]


def test_bins_hold_equally_many_known_cells() -> None:
    values = pl.Series([None, float("nan"), *np.random.default_rng(0).gamma(2, 1, 4_000)])
    bins = binned(values)
    assert bins[:2].tolist() == [0, 0]
    assert np.bincount(bins[2:]).tolist() == [0, *[4_000 // N_BINS] * N_BINS]
    assert (np.diff(bins[2:][np.argsort(values[2:].to_numpy())]) >= 0).all()


def test_times_are_binned_as_numbers_are() -> None:
    hours = np.random.default_rng(1).integers(0, 5_000, 300)
    times = pl.Series([datetime(2024, 1, 1) + timedelta(hours=int(h)) for h in hours])
    assert binned(times, 5).tolist() == binned(pl.Series(hours.astype(float)), 5).tolist()
    assert binned(times.dt.date(), 2).max() == 2


def test_nothing_known_is_one_bin() -> None:
    assert binned(pl.Series([None, None], dtype=pl.Float64)).tolist() == [0, 0]
    assert binned(pl.Series([float("inf"), 1.0]), 2).tolist() == [0, 2]


def test_means_are_shrunk_by_one_row_and_judged_on_the_other_side() -> None:
    """By hand: level 1 stands at 3 among [0, 0, 3] on side 0; its mean is (3 + 1) / 2, that of level 0 (0 + 1) / 3."""
    levels, side = np.array([0, 0, 1, 0, 1]), np.array([0, 0, 0, 1, 1])
    goal = np.array([[0.0], [0.0], [3.0], [1.0], [2.0]])
    first = 1 - ((1 - 1 / 3) ** 2 + 0**2) / ((1 - 1) ** 2 + (2 - 1) ** 2)
    left = [(0 - (1 + 1.5) / 2) ** 2] * 2 + [(3 - (2 + 1.5) / 2) ** 2]
    second = 1 - sum(left) / (1.5**2 + 1.5**2 + 1.5**2)
    assert explained_by_levels(levels, goal, side) == pytest.approx((first + second) / 2)


def test_levels_that_say_nothing_explain_nothing() -> None:
    rng = np.random.default_rng(2)
    levels, goal, side = rng.integers(0, 400, 1_000), rng.normal(size=(1_000, 2)), rng.integers(0, 2, 1_000)
    assert explained_by_levels(levels, goal, side) < 0.02
    assert explained_by_levels(levels, np.ones((1_000, 1)), side) == 0.0
    for one_side in (np.zeros(1_000, int), np.ones(1_000, int)):
        assert explained_by_levels(levels, goal, one_side) == 0.0
