"""Served rows beside training rows, for the checks of replay."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from fieldguide.core.online.served import Traffic, windows_of
from fieldguide.core.table import Column

COLUMNS = (
    Column("age", "number"),
    Column("member", "boolean"),
    Column("city", "category"),
    Column("joined", "datetime"),
)
START = datetime(2024, 5, 1)


def rows(n: int, seed: int, *, mean: float = 45.0, cities: tuple[str, ...] = ("Lima", "Oslo", "Quito")) -> pl.DataFrame:
    """Return rows of people with a few missing cells."""
    rng = np.random.default_rng(seed)
    age = [None if r < 0.05 else a for r, a in zip(rng.random(n), rng.normal(mean, 10, n).tolist())]
    return pl.DataFrame({
        "age": pl.Series(age, dtype=pl.Float64), "member": rng.random(n) < 0.4, "city": rng.choice(cities, n),
        "joined": [START + timedelta(days=int(d)) for d in rng.integers(0, 90, n)],
    })  # fmt: skip


def traffic(
    served: pl.DataFrame, *, n_units: int | None = None, n_windows: int = 4, training: pl.DataFrame | None = None
) -> Traffic:
    """Return served rows, a minute apart, beside 3,000 training rows."""
    times = [START + timedelta(minutes=i) for i in range(served.height)]
    window, windows = windows_of(times, most=n_windows)
    return Traffic(
        COLUMNS, rows(3_000, 1) if training is None else training, served, window, windows, n_units or served.height
    )
