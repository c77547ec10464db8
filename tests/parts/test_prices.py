"""Offers as one signed number: the task, the interval loss and the offline metrics, against rows counted one by one."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import DataError
from fieldguide.parts import find
from fieldguide.parts.losses.interval import Interval
from fieldguide.parts.tasks.price import Price, signed
from fieldguide.testing.loss import check_loss
from fieldguide.testing.metric import check_metric
from fieldguide.testing.task import check_task

OFFERS = st.lists(
    st.tuples(st.floats(1, 1000), st.booleans(), st.floats(1, 1000), st.integers(0, 3)), min_size=1, max_size=12
)


def by_hand(price: float, booked: bool, suggested: float, c1: float, c2: float) -> float:
    """The loss of one row as the paper writes it: bounds first, then how far outside."""
    lower = price * booked + c1 * price * (not booked)
    upper = c2 * price * booked + price * (not booked)
    return lower - suggested if suggested < lower else suggested - upper if suggested > upper else 0.0


def test_contracts() -> None:
    check_task(Price(), pl.Series("price", [80.0, -120.0, 60.0, -99.5]))
    for loss in (Interval(), Interval(c1=0.5, c2=2.0)):
        check_loss(loss)


@pytest.mark.parametrize("name", Price.metrics)
def test_the_metrics_keep_the_contract(name: str) -> None:
    check_metric(find("metrics", name)())


@pytest.mark.parametrize("name", Price.metrics)
def test_a_metric_of_prices_is_for_prices_only(name: str) -> None:
    assert find("metrics", name).tasks == ("price",)


@settings(max_examples=40, deadline=None)
@given(OFFERS, st.floats(0.1, 0.9), st.floats(1.1, 3))
def test_the_loss_is_the_distance_outside_the_interval(
    rows: list[tuple[float, bool, float, int]], c1: float, c2: float
) -> None:
    price, booked, suggested = (np.array([row[i] for row in rows]) for i in range(3))
    wanted = [by_hand(p, b, s, c1, c2) for p, b, s, _ in rows]
    truth = signed(price.astype(float), booked.astype(bool))
    logits, target = (torch.from_numpy(values)[:, None] for values in (np.log(suggested), truth))
    assert np.allclose(Interval(c1, c2).compute(logits, target).numpy(), wanted, atol=1e-8)
    assert math.isclose(find("metrics", "interval_loss")(c1, c2).score(truth, suggested), np.mean(wanted), abs_tol=1e-9)


@settings(max_examples=60, deadline=None)
@given(OFFERS)
def test_the_offline_metrics_count_rows(rows: list[tuple[float, bool, float, int]]) -> None:
    every = [row[:3] for row in rows for _ in range(row[3])]  # a weight of k is k equal rows
    price, booked, suggested = (np.array([row[i] for row in rows], dtype=float) for i in range(3))
    truth, weights = signed(price, booked > 0), np.array([[row[3] for row in rows]], np.float32)
    down_empty = sum(not b and s < p for p, b, s in every)
    up_booked = sum(b and s >= p for p, b, s in every)
    wanted = {
        "price_decrease_recall": (down_empty, sum(not b for _, b, _ in every)),
        "price_decrease_precision": (down_empty, sum(s < p for p, _, s in every)),
        "price_increase_recall": (up_booked, sum(b for _, b, _ in every)),
        "price_increase_precision": (up_booked, sum(s >= p for p, _, s in every)),
    }
    for name, (over, under) in wanted.items():
        (found,) = find("metrics", name)().resample(truth, suggested, weights)
        assert math.isclose(found, over / under) if under else math.isnan(found), name
    regrets = [max(0.0, 1 - s / p) for p, b, s in every if b]
    (found,) = find("metrics", "booking_regret")().resample(truth, suggested, weights)
    assert math.isclose(found, np.median(regrets), abs_tol=1e-12) if regrets else math.isnan(found)


def test_extremes_show_why_no_metric_stands_alone() -> None:
    truth = np.array([100.0, 100.0, -100.0])
    low, high = np.full(3, 1.0), np.full(3, 1e6)
    scores = {name: find("metrics", name)() for name in Price.metrics}
    assert scores["price_decrease_recall"].score(truth, low) == 1.0
    assert scores["booking_regret"].score(truth, low) == pytest.approx(0.99)
    assert scores["booking_regret"].score(truth, high) == 0.0
    assert scores["price_decrease_recall"].score(truth, high) == 0.0
    assert scores["interval_loss"].score(truth, np.abs(truth)) == 0.0


def test_a_price_of_zero_has_no_sign() -> None:
    with pytest.raises(DataError, match=r"'price' is 0 in 1 row \(row 1\)"):
        Price().encode(pl.Series("price", [10.0, 0.0]), ())
    with pytest.raises(DataError, match="prices cannot be judged") as caught:
        find("metrics", "price_decrease_recall")().score(np.array([0.0, 1.0]), np.ones(2))
    assert "1 rows whose price is 0" in caught.value.found


def test_gradients_point_into_the_interval() -> None:
    target = torch.tensor([[100.0], [-100.0], [100.0], [-100.0]]) / 100
    logits = torch.log(torch.tensor([[0.9], [1.1], [1.2], [0.8]])).requires_grad_(True)
    (slope,) = torch.autograd.grad(Interval().compute(logits, target).sum(), logits)
    assert torch.allclose(slope, torch.tensor([[-0.9], [1.1], [0.0], [0.0]]))
