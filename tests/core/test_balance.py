"""Balance and operating points: training rows only, and thresholds that reach what they are asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.balance import balanced, drawn
from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.statistics.operating_point import cost_curve, operating_point, threshold_to_reach

CLASSES: Any = SimpleNamespace(task=SimpleNamespace(family="classes"))


def rows(codes: np.ndarray, weights: np.ndarray | None = None) -> Encoded:
    numbers = np.arange(len(codes), dtype=np.float32)[:, None]
    batch = Batch(Layout(("place",)), {"numbers": numbers, "codes": np.zeros((len(codes), 0), np.int32)})
    return Encoded(batch, (codes,), weights)


CODES = np.array([0] * 60 + [1] * 25 + [2] * 15)


def test_weights_make_classes_count_alike_in_training_and_stopping_rows() -> None:
    stop = rows(np.array([0, 1, 2, 2]))
    train, stopping = balanced(rows(CODES), stop, CLASSES, "weights", 0)
    assert train.weights is not None and stopping is not None and stopping.weights is not None
    assert np.bincount(CODES, train.weights) == pytest.approx([100 / 3] * 3)
    assert stopping.weights == pytest.approx([100 / 180, 100 / 75, 100 / 45, 100 / 45]) and len(stopping) == 4


def test_weights_multiply_the_tables_own() -> None:
    own = np.where(CODES == 0, 0.5, 2.0)
    train, _ = balanced(rows(CODES, own), None, CLASSES, "weights", 0)
    assert train.weights is not None and np.bincount(CODES, train.weights) == pytest.approx([110 / 3] * 3)


@pytest.mark.parametrize(("way", "each"), [("oversample", 60), ("undersample", 15)])
def test_resampling_keeps_rows_whole_and_their_order(way: str, each: int) -> None:
    train, _ = balanced(rows(CODES), None, CLASSES, way, 3)
    places = train.batch.numbers[:, 0].astype(int)
    assert np.bincount(train.targets[0]).tolist() == [each] * 3
    assert np.array_equal(CODES[places], train.targets[0]) and (np.diff(places) >= 0).all()
    if way == "oversample":
        assert set(places) == set(range(100))
    again, _ = balanced(rows(CODES), None, CLASSES, way, 3)
    other, _ = balanced(rows(CODES), None, CLASSES, way, 4)
    assert np.array_equal(again.batch.numbers, train.batch.numbers) and not np.array_equal(
        other.batch.numbers, train.batch.numbers
    )


def test_values_and_none_are_left_alone() -> None:
    train = rows(CODES)
    assert balanced(train, None, CLASSES, "none", 0)[0] is train
    assert balanced(train, None, SimpleNamespace(task=SimpleNamespace(family="values")), "weights", 0)[0] is train


def test_a_way_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match=r"no way to balance named 'wieghts' .did you mean 'weights'"):
        balanced(rows(CODES), None, CLASSES, "wieghts", 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=4, max_size=60), st.floats(0.05, 0.95))
def test_a_threshold_reaches_its_recall_with_the_best_precision(cells: list[tuple[bool, int]], wanted: float) -> None:
    truth, p = np.array([c for c, _ in cells]).astype(int), np.array([s for _, s in cells]) / 20
    if not truth.any():
        return
    found = threshold_to_reach(truth, p, {"recall": wanted})
    point = operating_point(truth, p, found.threshold)
    assert point["recall"]["value"] >= wanted - 1e-9 and point["recall"]["value"] == pytest.approx(found.score)
    for cut in np.unique(p):
        rival = operating_point(truth, p, cut)
        if rival["recall"]["value"] >= wanted:
            assert (rival["precision"]["value"] or 0) <= point["precision"]["value"] + 1e-9


def test_a_precision_out_of_reach_gives_the_nearest() -> None:
    found = threshold_to_reach(np.array([1, 0, 1, 0]), np.array([0.9, 0.9, 0.5, 0.1]), {"precision": 0.99})
    assert found.score == pytest.approx(2 / 3) and found.judged_by == "precision"
    assert found.curve[0] == (0.05, 0.5) and found.curve[-1][0] == pytest.approx(
        0.7
    )  # from all called to the last that call any


def test_without_positive_rows_there_is_no_threshold() -> None:
    with pytest.raises(DataError, match="a target recall or precision needs positive rows"):
        threshold_to_reach(np.zeros(4), np.linspace(0, 1, 4), {"recall": 0.5})


def test_the_cost_curve_by_hand() -> None:
    truth, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9])
    curve = {
        round(point["threshold"], 2): point
        for point in cost_curve(truth, p, {"false_positive": 1, "false_negative": 4})
    }
    assert curve[0.5]["cost"] == pytest.approx((1 + 4) / 4) and curve[0.3]["cost"] == pytest.approx(1 / 4)
    assert curve[0.3]["recall"] == 1.0 and curve[0.5]["called"] == 0.5


@pytest.mark.parametrize(("sizes", "way", "kept"), [
    ((30, 12), "undersample", [12, 12]), ((30, 0, 12), "undersample", [12, 0, 12]), ((30, 4), "undersample", [10, 4]),
    ((30, 0, 12), "oversample", [30, 0, 30]), ((5, 5), "oversample", [5, 5]),
], ids=str)  # fmt: skip
def test_classes_that_are_there_have_equally_many_rows_and_no_fewer_than_ten(sizes, way, kept):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    rows = drawn(codes, way, 0)
    assert np.bincount(codes[rows]).tolist() == kept and (np.diff(rows) >= 0).all()
    if way == "oversample":
        assert set(rows) == set(range(len(codes))), "nobody is left out"
    else:
        assert len(set(rows)) == len(rows), "nobody comes twice"
