"""Ten clean worlds: nothing is planted, fresh rows are drawn as the file was. Every warning on them is one too many.

Five are of known worlds, two come with scikit-learn, three from the data folder.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.honesty.generators import days, flats, harvests, loans, machines, plants, words
from benchmarks.honesty.real import adult, california, shuffled
from benchmarks.honesty.synthetic import FRESH
from benchmarks.honesty.world import Fault, World


def clean_loans(seed: int) -> World:
    rng = np.random.default_rng([seed, 501])
    return World(loans(2000, rng), "defaulted", loans(FRESH, rng))


def clean_machines_in_time(seed: int) -> World:
    """Inspections with a date, the same all year; nothing changes in the next."""
    rng = np.random.default_rng([seed, 502])
    train, fresh = machines(2500, rng), machines(FRESH, rng)
    return World(
        train.with_columns(day=days(2500, rng)), "failed", fresh.with_columns(day=days(FRESH, rng, "2023-01-01"))
    )


def clean_flats(seed: int) -> World:
    """Some sizes are missing, at random, before and after."""
    rng = np.random.default_rng([seed, 503])

    def drawn(n: int) -> pl.DataFrame:
        return flats(n, rng).with_columns(size_m2=pl.when(pl.Series(rng.random(n) > 0.06)).then("size_m2"))

    return World(drawn(1500), "rent", drawn(FRESH), "rmse")


def clean_plants(seed: int) -> World:
    rng = np.random.default_rng([seed, 504])
    return World(plants(1200, rng), "yield_kg", plants(FRESH, rng), "rmse")


def clean_harvests(seed: int) -> World:
    rng = np.random.default_rng([seed, 505])
    return World(harvests(1800, rng), "grade", harvests(FRESH, rng))


def clean_breast_cancer(seed: int) -> World:
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    frame = pl.DataFrame(data.data, schema=[str(n).replace(" ", "_") for n in data.feature_names])
    train, fresh = shuffled(frame.with_columns(diagnosis=words(data.target == 0, "benign", "malignant")), 380, seed)
    return World(train, "diagnosis", fresh)


def clean_diabetes(seed: int) -> World:
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    frame = pl.DataFrame(data.data, schema=list(data.feature_names)).with_columns(progression=pl.Series(data.target))
    train, fresh = shuffled(frame, 300, seed)
    return World(train, "progression", fresh, "rmse")


def clean_adult(seed: int) -> World:
    train, fresh = adult()
    return World(train.sample(5000, seed=seed), "income", fresh)


def clean_california(seed: int) -> World:
    train, fresh = shuffled(california(), 5000, seed)
    return World(train, "median_house_value", fresh, "rmse")


def clean_kin8nm(seed: int) -> World:
    from benchmarks.datasets import uci

    task = uci("kin8nm", 0)
    train, fresh = shuffled(pl.concat([task.train, task.test]), 3000, seed)
    return World(train, "y", fresh, "rmse")


CLEAN = tuple(
    Fault(make.__name__, make)
    for make in (
        clean_loans, clean_machines_in_time, clean_flats, clean_plants, clean_harvests, clean_breast_cancer, clean_diabetes, clean_adult,
        clean_california, clean_kin8nm,
    )
)  # fmt: skip
