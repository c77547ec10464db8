"""Tables of known worlds: five kinds of rows with a target, drawn by seed, clean.

Knows how features and target come about; nothing of faults. All tables have dependent features, a target that is partly
noise, and rows independent of each other.
"""

from __future__ import annotations

import numpy as np
import polars as pl

Rng = np.random.Generator


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def words(hits: np.ndarray, no: str = "no", yes: str = "yes") -> pl.Series:
    """Return the labels of a boolean array."""
    return pl.Series(np.where(hits, yes, no))


def loans(n: int, rng: Rng, strength: float = 1.0, intercept: float = -1.3) -> pl.DataFrame:
    """Loan applications; `defaulted` follows a logit with interactions, about 25 % yes."""
    wealth = rng.normal(size=n)
    frame = pl.DataFrame({
        "age": rng.integers(19, 76, n), "income": np.exp(10.2 + 0.5 * wealth + 0.25 * rng.normal(size=n)).round(0),
        "debt_ratio": np.clip(0.35 - 0.08 * wealth + 0.15 * rng.normal(size=n), 0, None).round(4),
        "tenure_months": rng.gamma(2, 30, n).round(0), "open_lines": rng.poisson(4, n),
        "region": rng.choice(["north", "south", "east", "west", "centre"], n, p=[0.3, 0.25, 0.2, 0.15, 0.1]),
        "purpose": rng.choice(["car", "house", "study", "travel", "other"], n), "owns_home": rng.random(n) < logistic(wealth),
    })  # fmt: skip
    return frame.with_columns(defaulted=words(rng.random(n) < logistic(intercept + strength * loan_logit(frame))))


def loan_logit(frame: pl.DataFrame) -> np.ndarray:
    """Return the centred log-odds of default, apart from the intercept."""
    debt, income = frame["debt_ratio"].to_numpy(), np.log(frame["income"].to_numpy())
    young = (frame["age"] < 30).to_numpy()
    travel, lines = (frame["purpose"] == "travel").to_numpy(), frame["open_lines"].to_numpy()
    return (
        4.0 * (debt - 0.35) - 1.2 * (income - 10.2) + 1.2 * young * (debt > 0.4) + 0.8 * travel + 0.2 * (lines - 4)
        - 0.6 * frame["owns_home"].to_numpy() + 0.3
    )  # fmt: skip


def machines(n: int, rng: Rng) -> pl.DataFrame:
    """Machine inspections; `failed` follows rules of thresholds, about 30 % 1."""
    load = rng.beta(2, 2, n)
    frame = pl.DataFrame({
        "temperature": (55 + 30 * load + 6 * rng.normal(size=n)).round(2), "pressure": (3 + 2 * load + 0.5 * rng.normal(size=n)).round(3),
        "vibration": rng.gamma(3, 0.4, n).round(4), "rpm": (1200 + 900 * load + 120 * rng.normal(size=n)).round(0),
        "hours_run": rng.exponential(2000, n).round(0), "series": rng.choice(["A10", "A20", "B5", "C1"], n, p=[0.4, 0.3, 0.2, 0.1]),
    })  # fmt: skip
    hot, shaky = (frame["temperature"] > 74).to_numpy(), (frame["vibration"] > 1.4).to_numpy()
    worn, old = (frame["hours_run"] > 2500).to_numpy(), frame["series"].is_in(["A10", "C1"]).to_numpy()
    risk = 0.1 + 0.35 * (hot & shaky) + 0.3 * (worn & old) + 0.25 * (~hot & (frame["pressure"] > 4.6).to_numpy())
    return frame.with_columns(
        failed=pl.Series((rng.random(n) < np.minimum(risk + 0.05 * shaky, 0.95)).astype(np.int64))
    )


def flats(n: int, rng: Rng) -> pl.DataFrame:
    """Flats for rent; `rent` is a number with multiplied and added parts."""
    size, year = rng.gamma(6, 12, n) + 20, rng.integers(1900, 2021, n)
    district = rng.choice(["harbour", "old town", "hill", "station", "garden", "mill"], n)
    value = {"harbour": 1.2, "old town": 1.35, "hill": 1.1, "station": 0.9, "garden": 1.0, "mill": 0.85}
    factor = np.array([value[d] for d in district])
    floor, distance = rng.integers(0, 9, n), rng.exponential(3, n)
    rent = 9.5 * size * factor * (1 + 0.15 * (year > 1995)) * np.exp(-0.04 * distance) + 12 * floor
    return pl.DataFrame({
        "size_m2": size.round(1), "built": year, "floor": floor, "distance_km": distance.round(2), "district": district,
        "balcony": rng.random(n) < 0.5, "rent": (rent + 90 * rng.normal(size=n)).round(2),
    })  # fmt: skip


def plants(n: int, rng: Rng) -> pl.DataFrame:
    """Process runs; `yield_kg` is Friedman's first function with noise."""
    x = rng.random((n, 7))
    value = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    names = ["feed", "heat", "acidity", "flow", "stir", "light", "humidity"]
    columns = {name: (100 * x[:, i]).round(3) for i, name in enumerate(names)}
    return pl.DataFrame({**columns, "yield_kg": (value + 2.5 * rng.normal(size=n)).round(3)})


def harvests(n: int, rng: Rng) -> pl.DataFrame:
    """Harvested lots; `grade` is one of three, by softmax."""
    rain, sun, soil = rng.normal(size=n), rng.normal(size=n), rng.choice(["clay", "loam", "sand"], n, p=[0.3, 0.5, 0.2])
    frost = rng.poisson(2, n)
    scores = np.stack([
        0.9 * sun - 0.4 * frost + 0.5 * (soil == "loam") + 0.8, 0.3 * rain * sun + 0.1 * frost, 0.7 * np.abs(rain) + 0.35 * frost - 0.4 * sun - 0.6
    ], axis=1) * 1.3  # fmt: skip
    grade = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return pl.DataFrame({
        "rain": (420 + 90 * rain).round(1), "sun_hours": (1600 + 200 * sun).round(0), "frost_days": frost, "soil": soil,
        "altitude": rng.gamma(4, 90, n).round(0), "grade": np.array(["A", "B", "C"])[grade],
    })  # fmt: skip


def days(n: int, rng: Rng, start: str = "2022-01-01", spread: int = 365) -> pl.Series:
    """Return sorted dates, uniform over `spread` days from `start`."""
    return pl.Series(np.datetime64(start) + np.sort(rng.integers(0, spread, n)).astype("timedelta64[D]")).cast(pl.Date)
