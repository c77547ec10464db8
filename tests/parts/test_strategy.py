"""The pricing strategy and the probability model alone: the contract, what they learn, and that no outcome leaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ConfigError
from fieldguide.core.problem import Output
from fieldguide.parts import find
from fieldguide.parts.learners.revenue import Revenue
from fieldguide.parts.learners.strategy import Strategy
from fieldguide.parts.losses.interval import Interval
from fieldguide.testing.learner import check_learner

OUTPUT = Output("price", find("tasks", "price")(), loss=Interval())
SMALL: dict[str, Any] = {"n_rounds": 40, "num_leaves": 6}


def market(n: int = 1500, slope: float = 3.0, seed: int = 0) -> tuple[Encoded, np.ndarray]:
    """Offers around a usual price of 100; the best price, which maximises P q(P), is 40 % higher where the first number is above 0."""
    rng = np.random.default_rng(seed)
    demand = rng.normal(size=n)
    usual = np.full(n, 100.0)
    best = usual * np.where(demand > 0, 1.4, 0.8)
    price = usual * np.exp(rng.normal(0, 0.25, n))
    odds = (slope - 1) * (price / best) ** -slope
    booked = rng.random(n) < odds / (1 + odds)
    numbers = np.column_stack([demand, usual, rng.normal(size=n)]).astype(np.float32)
    layout = Layout(("demand", "usual", "noise"))
    batch = Batch(layout, {"numbers": numbers, "codes": np.zeros((n, 0), np.int32)})
    return Encoded(batch, (np.where(booked, price, -price),)), best


def regret(suggested: np.ndarray, best: np.ndarray, slope: float = 3.0) -> float:
    odds = (slope - 1) * (suggested / best) ** -slope
    return float(np.mean(1 - suggested * odds / (1 + odds) / (best * (slope - 1) / slope)))


def test_the_contract(tmp_path: Path) -> None:
    check_learner(Strategy(**SMALL), tmp_path, tasks=("price",))


@pytest.mark.parametrize(
    ("learner", "share", "apart"),
    [(Strategy(reference="usual", **SMALL), 0.9, 1.03), (Revenue(reference="usual", **SMALL), 0.5, 1.2)],
)
def test_suggestions_lie_nearer_to_the_best_price_than_the_usual_one(
    learner: Strategy, share: float, apart: float, tmp_path: Path
) -> None:
    rows, best = market()
    fitted = learner.fit(rows.take(slice(0, 1000)), None, (OUTPUT,), Effort())
    fresh = rows.take(slice(1000, 1500)).batch
    (suggested,) = fitted.predict(fresh)
    assert suggested.shape == (500, 1) and (suggested > 0).all()
    assert regret(suggested[:, 0], best[1000:]) < share * regret(np.full(500, 100.0), best[1000:])
    high = best[1000:] > 100
    assert suggested[high].mean() > apart * suggested[~high].mean()
    again = type(learner)().load(tmp_path, fitted.save(tmp_path))
    assert np.allclose(again.predict(fresh)[0], suggested)


def test_the_slope_of_demand_is_found_and_never_turns() -> None:
    rows, _ = market(3000)
    a, b, s = Revenue(reference="usual", **SMALL).fit(rows, None, (OUTPUT,), Effort()).curve
    assert 2.0 < s < 4.0 and 0.4 < b < 1.6 and abs(a) < 1
    dearer = replace(rows, targets=(np.abs(rows.targets[0]) * np.where(np.abs(rows.targets[0]) > 100, 1, -1),))
    assert Revenue(reference="usual", **SMALL).fit(dearer, None, (OUTPUT,), Effort()).curve[2] == 0.0


def test_no_rows_own_outcome_is_in_its_signals() -> None:
    rows, _ = market(600)
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(600, 6)).astype(np.float32)
    batch = Batch(Layout(tuple("abcdef")), {"numbers": noise, "codes": np.zeros((600, 0), np.int32)})
    outcome = rng.permutation(np.arange(600) % 2 * 2.0 - 1)  # nothing tells it
    pure = Encoded(batch, (np.abs(rows.targets[0]) * outcome,))
    big = Strategy(n_rounds=200, num_leaves=31)
    _, b, s = big.fit(pure, None, (OUTPUT,), Effort()).curve
    assert b < 0.25 and s < 0.8  # trees asked for their own training rows would be sure of each, and b above 1


def test_a_missing_usual_price_is_expected_from_offers() -> None:
    rows, _ = market(400)
    numbers = rows.batch.numbers.copy()
    numbers[::2, 1] = np.nan
    rows = Encoded(Batch(rows.batch.layout, {**rows.batch.arrays, "numbers": numbers}), rows.targets)
    (suggested,) = Strategy(reference="usual", **SMALL).fit(rows, None, (OUTPUT,), Effort()).predict(rows.batch)
    assert np.isfinite(suggested).all() and abs(np.log(suggested[::2].mean() / suggested[1::2].mean())) < 0.1


def test_the_demand_signal_may_be_a_column() -> None:
    rows, best = market()
    fitted = Strategy(reference="usual", demand="demand", **SMALL).fit(rows, None, (OUTPUT,), Effort())
    assert fitted.demand == pytest.approx((rows.batch.numbers[:, 0].mean(), rows.batch.numbers[:, 0].std()), rel=1e-3)
    assert fitted.words.startswith("usual price × (1 + ")
    assert regret(fitted.predict(rows.batch)[0][:, 0], best) < regret(np.full(len(rows), 100.0), best)


@pytest.mark.parametrize(
    ("learner", "said"),
    [
        (Strategy(reference="usul"), "strategy.reference names 'usul'.*did you mean"),
        (Strategy(demand="nothing"), "strategy.demand names 'nothing'"),
        (Strategy(phi_high=1.7), r"phi_high is 1.7 and phi_low 1.6"),
    ],
)
def test_settings_that_mean_nothing_are_refused(learner: Strategy, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        learner.fit(market(50)[0], None, (OUTPUT,), Effort())


def test_a_number_is_no_price() -> None:
    plain = Output("y", find("tasks", "regression")())
    with pytest.raises(ConfigError, match="the learner strategy suggests prices"):
        Strategy().fit(market(50)[0], None, (plain,), Effort())


@pytest.mark.parametrize("learner", [Strategy(**SMALL), Revenue(**SMALL)])
def test_trees_that_the_clock_ended_are_told(learner: Strategy, tmp_path: Path) -> None:
    rows, _ = market(200)
    late, calm = (learner.fit(rows, None, (OUTPUT,), Effort(clock=clock)) for clock in (Clock.of(0.0), Clock()))
    assert (late.stopped, calm.stopped) == ("clock", "")
    assert learner.load(tmp_path, late.save(tmp_path)).stopped == "clock"
