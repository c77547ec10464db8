"""A world whose truth is known: users with interests, ads of six kinds, clicks that are reported late.

Knows who clicks and why, which no model is told; knows nothing of how it is judged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

KINDS = ("books", "cars", "games", "music", "sport", "travel")
DEVICES = ("desktop", "phone", "tablet")
APPEAL = np.array([0.0, -0.2, 0.5, 0.3, 0.1, -0.1])
HABIT = np.array([0.2, -0.1, 0.0])
EXPLORE = 0.1
"""Share of requests in which the ad is drawn at random."""
REPORT_HOURS = 6.0
"""Mean time until a click is reported."""

Policy = Callable[[pl.DataFrame], np.ndarray]
"""Requests, one row per ad that could be shown -> their scores."""


@dataclass(frozen=True)
class Users:
    """People.

    Shape:
        interest, shown_interest, device, views, clicks: (users,) integers
        eagerness, age: (users,)
    """

    name: str
    interest: np.ndarray
    shown_interest: np.ndarray
    device: np.ndarray
    eagerness: np.ndarray
    age: np.ndarray
    views: np.ndarray
    clicks: np.ndarray

    def __len__(self) -> int:
        return len(self.interest)


def users(rng: np.random.Generator, n: int, name: str, phones: float = 0.4) -> Users:
    """Return people; what they say they like is right nine times in ten."""
    interest = rng.integers(0, len(KINDS), n)
    shown = np.where(rng.random(n) < 0.9, interest, rng.integers(0, len(KINDS), n))
    device = rng.choice(3, n, p=[0.8 - phones, phones, 0.2])
    eagerness = rng.normal(0, 0.5, n)
    views = 1 + rng.poisson(15, n)
    clicks = rng.binomial(views, _logistic(-2.6 + eagerness + HABIT[device]))
    return Users(name, interest, shown, device, eagerness, rng.integers(16, 80, n).astype(float), views, clicks)


def chance(who: Users, user: np.ndarray, hour: np.ndarray, ad: np.ndarray) -> np.ndarray:
    """Return the true chance of a click. Evenings are better, and an ad of one's own interest is clicked far more often."""
    evening = 0.3 * np.cos((hour - 20) / 24 * 2 * np.pi)
    return _logistic(
        -3.2 + APPEAL[ad] + HABIT[who.device[user]] + evening + who.eagerness[user] + 2.4 * (who.interest[user] == ad)
    )


def features(who: Users, user: np.ndarray, hour: np.ndarray, ad: np.ndarray, smooth: bool = True) -> pl.DataFrame:
    """Return what a model may see; the user's click rate is smoothed in training.

    Args:
        smooth: False plants a difference between training and serving: the raw rate.
    """
    rate = (who.clicks + 1) / (who.views + 15) if smooth else who.clicks / who.views
    return pl.DataFrame({
        "ad": np.array(KINDS)[ad], "interest": np.array(KINDS)[who.shown_interest[user]],
        "device": np.array(DEVICES)[who.device[user]], "hour": hour.astype(float), "age": who.age[user], "user_rate": rate[user],
    })  # fmt: skip


@dataclass(frozen=True)
class Visits:
    """Requests of one week, in time.

    Shape:
        user, hour, arm: (visits,)
        ad, chance, propensity, score: (visits,) of the ad that was shown
        clicked, reported: (visits,) whether, and hours until it was reported
    """

    user: np.ndarray
    at: np.ndarray
    arm: np.ndarray
    ad: np.ndarray
    chance: np.ndarray
    propensity: np.ndarray
    score: np.ndarray
    clicked: np.ndarray
    reported: np.ndarray
    cells: pl.DataFrame

    @property
    def hour(self) -> np.ndarray:
        return (self.at % 24).astype(np.int64)


def schedule(rng: np.random.Generator, who: Users, days: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (user, hours since the start) of every visit, in time; everybody comes at least once."""
    n = 1 + rng.poisson(1.5, len(who))
    user = np.repeat(np.arange(len(who)), n)
    at = rng.uniform(0, 24 * days, len(user))
    order = np.argsort(at)
    return user[order], at[order]


def ranked(who: Users, user: np.ndarray, hour: np.ndarray, policy: Policy) -> np.ndarray:
    """Return a policy's score of every ad at every visit: (visits, ads)."""
    n, k = len(user), len(KINDS)
    cells = features(who, np.repeat(user, k), np.repeat(hour, k), np.tile(np.arange(k), n))
    return policy(cells).reshape(n, k)


def week(
    rng: np.random.Generator, who: Users, policies: dict[str, Policy], deal: Callable[[str], str | None], days: float = 7,
    smooth: bool = True,
) -> Visits:  # fmt: skip
    """Let a week pass: each visit is dealt to an arm by its user, which shows the ad it scores highest, or one at random."""
    user, at = schedule(rng, who, days)
    hour = (at % 24).astype(np.int64)
    dealt = np.array([deal(f"{who.name}{i}") or "" for i in range(len(who))])[user]
    n, k = len(user), len(KINDS)
    ad = np.zeros(n, dtype=np.int64)
    for arm, policy in policies.items():
        mine = np.flatnonzero(dealt == arm)
        ad[mine] = ranked(who, user[mine], hour[mine], policy).argmax(1)
    explored = rng.random(n) < EXPLORE
    best = ad.copy()
    ad = np.where(explored, rng.integers(0, k, n), ad)
    propensity = EXPLORE / k + (1 - EXPLORE) * (ad == best)
    true = chance(who, user, hour, ad)
    cells = features(who, user, hour, ad, smooth)
    score = np.zeros(n)
    for arm, policy in policies.items():
        mine = np.flatnonzero(dealt == arm)
        score[mine] = policy(cells[mine])
    clicked = rng.random(n) < true
    return Visits(user, at, dealt, ad, true, propensity, score, clicked, rng.exponential(REPORT_HOURS, n), cells)


def value(who: Users, user: np.ndarray, hour: np.ndarray, policy: Policy) -> float:
    """Return the true chance of a click per visit under a policy that explores as the arms do."""
    best = ranked(who, user, hour, policy).argmax(1)
    every = np.mean([chance(who, user, hour, np.full(len(user), ad)) for ad in range(len(KINDS))], axis=0)
    return float(((1 - EXPLORE) * chance(who, user, hour, best) + EXPLORE * every).mean())


def moment(start: datetime, hours: float) -> datetime:
    """Return a time of the world as a date."""
    return start + timedelta(hours=float(hours))


def _logistic(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = 1 / (1 + np.exp(-x))
    return found
