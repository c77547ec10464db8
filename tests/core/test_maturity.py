"""Maturity: delays are found, and drift, seasons, steps and noise are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.statistics.maturity import _lowest, _overdispersion, immature_from

DAY = 86_400_000_000
YEAR = 365 * DAY


def logistic(x):
    return 1 / (1 + np.exp(-x))


def series(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted times in a year and outcomes; every kind but `delay` is a rate that needs no delay."""
    rng = np.random.default_rng(seed)
    n = [600, 2000, 6000, 20000][seed % 4]
    t = np.sort(rng.uniform(0, 1, n))
    base = rng.choice([0.05, 0.1, 0.2, 0.3, 0.5])
    logit = np.log(base / (1 - base))
    k = int(rng.choice([10, 20, 50]))
    place = (t * k).astype(int)
    rate = {
        "constant": lambda: np.full(n, base),
        "drift": lambda: logistic(logit + rng.uniform(-4, 4) * (t - 0.5)),
        "bend": lambda: logistic(logit - rng.uniform(0, 3) * t ** rng.choice([2, 3])),
        "season": lambda: logistic(
            logit + rng.uniform(0.3, 1.5) * np.sin(2 * np.pi * (rng.uniform(0.5, 15) * t + rng.random()))
        ),
        "noise": lambda: logistic(logit + rng.normal(0, rng.uniform(0.1, 0.6), k)[place]),
        "walk": lambda: logistic(logit + np.cumsum(rng.normal(0, rng.uniform(0.02, 0.2), k))[place]),
        "step": lambda: np.where(t < rng.uniform(0.1, 0.9), base, base * rng.uniform(0.2, 1)),
        "saw": lambda: base * (1 - rng.uniform(0.2, 0.9) * ((t * rng.uniform(1, 9) + rng.random()) % 1)),
    }[kind]()
    return (t * YEAR).astype(np.int64), rng.random(n) < rate


KINDS = ("constant", "drift", "bend", "season", "noise", "walk", "step", "saw")


@pytest.mark.parametrize("kind", KINDS)
def test_what_needs_no_delay_is_not_taken_for_one(kind):
    fired = [seed for seed in range(60) if immature_from(*series(kind, seed)) is not None]
    assert len(fired) <= 1, f"{kind}: {fired}"


@pytest.mark.parametrize("tau", [10, 25])
@pytest.mark.parametrize("seed", range(5))
def test_a_delay_is_found_about_where_95_percent_have_arrived(tau, seed):
    rng = np.random.default_rng(seed)
    t = rng.uniform(0, 365, 12_000)
    positive = (rng.random(12_000) < 0.3) & (rng.exponential(tau, 12_000) < 365 - t)
    found = immature_from((t * DAY).astype(np.int64), positive)
    assert found is not None
    assert 365 - 5 * tau < found.from_time / DAY < 365 - 1.5 * tau
    assert found.rate_before == pytest.approx(0.3, abs=0.02) and found.rate_after < 0.25
    assert found.n == int((t * DAY >= found.from_time).sum()) and found.p < 1e-6


def test_a_delay_is_found_beside_a_trend():
    rng = np.random.default_rng(1)
    t = rng.uniform(0, 1, 20_000)
    positive = (rng.random(20_000) < logistic(-1.5 + t)) & (rng.exponential(0.05, 20_000) < 1 - t)
    found = immature_from((t * YEAR).astype(np.int64), positive)
    assert found is not None and 0.7 < found.from_time / YEAR < 0.95


def test_labels_that_have_not_begun_to_arrive_are_found():
    rng = np.random.default_rng(2)
    t = rng.uniform(0, 1, 10_000)
    found = immature_from((t * YEAR).astype(np.int64), (rng.random(10_000) < 0.2) & (t < 0.9))
    assert found is not None and 0.85 < found.from_time / YEAR < 0.91


@pytest.mark.parametrize("rows", [0, 1, 300, 5000])
def test_too_little_says_nothing(rows):
    times = np.arange(rows) * DAY
    for positive in (np.zeros(rows, bool), np.ones(rows, bool)):
        assert immature_from(times, positive) is None
    assert immature_from(np.zeros(rows, np.int64), np.arange(rows) % 2 == 0) is None


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(3)
    t = rng.uniform(0, 365, 8000)
    positive = (rng.random(8000) < 0.3) & (rng.exponential(20, 8000) < 365 - t)
    order = np.argsort(t)
    times = (t * DAY).astype(np.int64)
    assert immature_from(times, positive) == immature_from(times[order], positive[order])


@pytest.mark.parametrize("seed", [41, 46])
def test_the_likelihood_is_told_down_by_how_much_more_than_chance_the_rate_moves(seed):
    """Forty spells with rates of their own, and a delay that is lost among them: as if rows were independent it would be told."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 1, 3000))
    rate = logistic(-0.8 + rng.normal(0, 0.8, 40)[(t * 40).astype(int)])
    positive = (rng.random(3000) < rate) & (rng.exponential(0.03, 3000) < 1 - t)
    assert immature_from((t * YEAR).astype(np.int64), positive) is None


def test_overdispersion_is_pearsons_of_the_first_periods():
    sizes, rate = np.full(10, 100.0), np.full(10, 0.5)
    hits = 50.0 + 10 * np.where(np.arange(10) % 2 == 0, 1, -1)
    hits[6:] = 100.0  # what may be immature says nothing of noise
    assert _overdispersion(sizes, hits, rate) == pytest.approx(
        6 * 4 / (6 - 4)
    )  # (10 rows)**2 over a variance of 25, each
    assert _overdispersion(sizes, np.full(10, 50.0), rate) == 1.0


@pytest.mark.parametrize(("rows", "told"), [(89, False), (90, True)])
def test_the_end_is_held_against_as_many_rows_twice_before(rows, told):
    positive = np.arange(rows) < rows - 30
    assert _lowest(positive, np.array([1.0, 0.1]), (~positive).astype(np.int64)) is told
    assert not _lowest(positive | True, np.array([1.0, 0.1]), (~positive).astype(np.int64))
