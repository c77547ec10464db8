"""Planted faults along time: drift, labels that come late or stop, columns that break, windows that look ahead.

Each function takes a seed and returns a `World` whose fresh rows are later than the user's file.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.honesty.generators import Rng, days, loan_logit, loans, logistic, machines, words
from benchmarks.honesty.synthetic import FRESH
from benchmarks.honesty.world import Fault, World

LATER = "2023-01-01"


def drift_of_features(seed: int) -> World:
    """Applicants grow poorer by the month; who defaults stays the same function of them."""
    rng = np.random.default_rng([seed, 201])

    def drawn(n: int, start: str, first: float) -> pl.DataFrame:
        when = days(n, rng, start)
        age = first + np.linspace(0, 1, n)  # years since the start of the file
        rows = loans(n, rng).with_columns(
            income=pl.Series(np.exp(10.4 - 0.7 * age + 0.5 * rng.normal(size=n)).round(0)),
            debt_ratio=pl.Series(np.clip(0.3 + 0.12 * age + 0.15 * rng.normal(size=n), 0, None).round(4)),
        )
        y = rng.random(n) < logistic(0.8 * loan_logit(rows) - 1.2)
        return rows.with_columns(defaulted=words(y)).with_columns(applied=when)

    return World(drawn(3000, "2022-01-01", 0.0), "defaulted", drawn(FRESH, LATER, 1.0), may_decline=True)


def drift_of_relation(seed: int) -> World:
    """What makes people default turns round within two years."""
    rng = np.random.default_rng([seed, 202])

    def drawn(n: int, start: str, first: float) -> pl.DataFrame:
        turn = np.pi * 0.45 * (first + np.linspace(0, 1, n))
        rows = loans(n, rng)
        a = 6 * (rows["debt_ratio"].to_numpy() - 0.35) - 1.0 * (np.log(rows["income"].to_numpy()) - 10.2)
        b = 0.05 * (rows["age"].to_numpy() - 47) + 0.25 * (rows["open_lines"].to_numpy() - 4)
        y = rng.random(n) < logistic(1.4 * (np.cos(turn) * a + np.sin(turn) * b) - 0.7)
        return rows.with_columns(defaulted=words(y)).with_columns(applied=days(n, rng, start))

    return World(drawn(3000, "2022-01-01", 0.0), "defaulted", drawn(FRESH, LATER, 1.0), may_decline=True)


def late_labels(seed: int) -> World:
    """A default is entered some weeks after the application; the file was written before the last ones came."""
    rng = np.random.default_rng([seed, 203])
    train = loans(4000, rng).with_columns(applied=days(4000, rng))
    age = (np.datetime64("2023-01-01") - train["applied"].to_numpy().astype("datetime64[D]")).astype(int)
    arrived = rng.exponential(50, 4000) < age
    seen = (train["defaulted"] == "yes").to_numpy() & arrived
    fresh = loans(FRESH, rng).with_columns(applied=days(FRESH, rng, LATER, 90))
    return World(train.with_columns(defaulted=words(seen)), "defaulted", fresh)


def labels_outage(seed: int) -> World:
    """One client of six stopped to report failures half way."""
    rng = np.random.default_rng([seed, 204])
    clients = ["Ardo", "Belm", "Cant", "Dura", "Esko", "Fint"]

    def drawn(n: int, start: str) -> pl.DataFrame:
        return machines(n, rng).with_columns(client=pl.Series(rng.choice(clients, n)), day=days(n, rng, start))

    train = drawn(4000, "2022-01-01")
    silent = (pl.col("client") == "Dura") & (pl.col("day") > pl.date(2022, 6, 10))
    train = train.with_columns(failed=pl.when(silent).then(0).otherwise("failed"))
    return World(train, "failed", drawn(FRESH, LATER))


def feature_outage(seed: int) -> World:
    """The vibration sensor sent nothing in the last three months of the file; it is repaired afterwards."""
    rng = np.random.default_rng([seed, 205])
    train = machines(3500, rng).with_columns(day=days(3500, rng))
    train = train.with_columns(vibration=pl.when(pl.col("day") < pl.date(2022, 10, 1)).then("vibration"))
    return World(train, "failed", machines(FRESH, rng).with_columns(day=days(FRESH, rng, LATER)))


def unit_break(seed: int) -> World:
    """Temperatures in Fahrenheit until the autumn, in Celsius since."""
    rng = np.random.default_rng([seed, 206])
    train = machines(3500, rng).with_columns(day=days(3500, rng))
    fahrenheit = (pl.col("temperature") * 1.8 + 32).round(2)
    train = train.with_columns(
        temperature=pl.when(pl.col("day") < pl.date(2022, 9, 1)).then(fahrenheit).otherwise("temperature")
    )
    return World(train, "failed", machines(FRESH, rng).with_columns(day=days(FRESH, rng, LATER)))


def demand(n_shops: int, first: int, n_days: int, rng: Rng, centred: bool) -> pl.DataFrame:
    """Daily demand of shops, an autoregression; `mean_7d` looks three days ahead if centred, else only back."""
    total = n_days + 40
    level, noise = rng.normal(100, 15, n_shops), rng.normal(0, 12, (n_shops, total))
    promo = rng.random((n_shops, total)) < 0.15
    wave = np.zeros((n_shops, total))
    for day in range(1, total):
        wave[:, day] = 0.7 * wave[:, day - 1] + noise[:, day]
    sold = level[:, None] + wave + 15 * promo + 8 * np.isin((np.arange(total) + first) % 7, (4, 5))
    sums = np.concatenate([np.zeros((n_shops, 1)), sold.cumsum(axis=1)], axis=1)
    at = np.arange(20, 20 + n_days)
    low, high = (at - 3, at + 4) if centred else (at - 7, at)
    mean = (sums[:, high] - sums[:, low]) / 7
    date = np.datetime64("2022-01-01") + (first + at - 20).astype("timedelta64[D]")
    return pl.DataFrame({
        "date": pl.Series(np.repeat(date, n_shops)).cast(pl.Date), "weekday": np.repeat((at + first) % 7, n_shops),
        "promo": promo[:, at].T.ravel(), "price": rng.normal(4, 0.3, n_days * n_shops).round(2), "mean_7d": mean.T.ravel().round(2),
        "sold": sold[:, at].T.ravel().round(1),
    })  # fmt: skip


def window_looks_ahead(seed: int) -> World:
    rng = np.random.default_rng([seed, 207])
    return World(demand(12, 0, 250, rng, True), "sold", demand(40, 250, 500, rng, False), "rmse")


def _slow(n: int, step: float, rng: Rng) -> np.ndarray:
    """Return an autoregression that forgets within about 200 steps, so that later values are no strangers."""
    path, moves = np.zeros(n), step * rng.normal(size=n)
    for i in range(1, n):
        path[i] = 0.99 * path[i - 1] + moves[i]
    return path


def slow_state(n: int, first: int, rng: Rng) -> pl.DataFrame:
    """Readings each quarter of an hour: the state of the plant moves slowly and is only partly in the readings."""
    state, drive, tone = (_slow(n, step, rng) for step in (0.1, 0.2, 0.2))
    when = np.datetime64("2022-01-01T00:00") + (15 * (first + np.arange(n))).astype("timedelta64[m]")
    bad = rng.random(n) < logistic(3.5 * state + 0.6 * drive - 0.5)
    return pl.DataFrame({
        "recorded_at": pl.Series(when.astype("datetime64[us]")).dt.strftime("%Y-%m-%d %H:%M"), "drive": drive.round(4), "tone": tone.round(4),
        "feed": rng.normal(size=n).round(3), "off_spec": words(bad),
    })  # fmt: skip


def neighbours_in_time(seed: int) -> World:
    rng = np.random.default_rng([seed, 208])
    whole = slow_state(3000 + FRESH, 0, rng)
    return World(whole[:3000], "off_spec", whole[3000:])


FAULTS = (
    Fault("drift_of_features", drift_of_features, ("FG323",), about="incomes fall and debts grow through the file and after it", columns=("income", "debt_ratio")),
    Fault("drift_of_relation", drift_of_relation, ("FG324",), about="the direction that matters turns through the file and after it"),
    Fault("late_labels", late_labels, ("FG109", "FG322"), about="defaults of the last weeks have not arrived; fresh labels are complete"),
    Fault("labels_outage", labels_outage, ("FG321",), about="one client's failures were not reported from June on; fresh labels are complete"),
    Fault("feature_outage", feature_outage, ("FG320", "FG321", "FG327"), about="a sensor is missing in the last quarter; it is repaired afterwards", columns=("vibration",)),
    Fault("unit_break", unit_break, ("FG325",), about="Fahrenheit until August, Celsius since and afterwards", columns=("temperature",)),
    Fault("window_looks_ahead", window_looks_ahead, ("FG306", "FG312", "FG316"), about="a centred mean of seven days; afterwards it can only look back", columns=("mean_7d",)),
    Fault("neighbours_in_time", neighbours_in_time, ("FG103", "FG204"), "info", "readings 15 minutes apart share a slow state; fresh ones are later"),
)  # fmt: skip
