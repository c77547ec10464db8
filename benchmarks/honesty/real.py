"""Faults in real tables: traps that are in the data as they come, and faults planted into real rows.

Knows files of the data folder (`benchmarks.datasets.data_folder`) and what of them is known when a prediction is made. Fresh rows
are rows the user's file does not have; rows equal to one of the file are left out of them.
"""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy as np
import polars as pl

from benchmarks import datasets
from benchmarks.honesty.synthetic import blank, repeated
from benchmarks.honesty.world import Fault, World


def shuffled(frame: pl.DataFrame, n: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return n random rows, and the others less those that equal one of the n."""
    order = np.random.default_rng(seed).permutation(frame.height)
    return frame[order[:n]], unlike(frame[order[n:]], frame[order[:n]])


def unlike(fresh: pl.DataFrame, train: pl.DataFrame) -> pl.DataFrame:
    return fresh.join(train, on=train.columns, how="anti", nulls_equal=True)


def adult() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the training rows, shuffled once, and the official test rows; numbers as numbers, "?" as missing."""
    task = datasets.adult(0)
    numbers = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"]

    def typed(frame: pl.DataFrame) -> pl.DataFrame:
        known = [pl.when(pl.col(name) != "?").then(name).alias(name) for name in frame.columns if name not in numbers]
        return frame.with_columns(*known, pl.col(numbers).cast(pl.Int64))

    train = typed(task.train)
    return train[np.random.default_rng(0).permutation(train.height)], unlike(typed(task.test), train)


def bank() -> pl.DataFrame:
    return pl.read_csv(datasets.data_folder() / "bank_marketing" / "bank.csv.gz")


def bike() -> pl.DataFrame:
    with zipfile.ZipFile(datasets.data_folder() / "bike_sharing" / "Bike-Sharing-Dataset.zip") as archive:
        return pl.read_csv(io.BytesIO(archive.read("hour.csv")))


def california() -> pl.DataFrame:
    frame = pl.read_csv(datasets.data_folder() / "california_housing" / "housing.csv.gz")
    return frame.with_columns(pl.col("median_house_value") / 1e5)


def titanic() -> pl.DataFrame:
    return pl.read_csv(datasets.data_folder() / "titanic" / "titanic.csv")


# --- traps that are in the data --------------------------------------------------------------------------------------


def bank_call_duration(seed: int) -> World:
    """Random rows of the campaign; how long the call will take is not known before it."""
    train, fresh = shuffled(bank(), 6000, seed)
    known = [name for name in train.columns if name != "duration"]
    return World(train, "deposit", blank(fresh.join(train, on=known, how="anti"), "duration"))


def bank_in_time(seed: int) -> World:
    """The first 70 % of the campaign in its order, the rest to come; months and days without a year."""
    frame = bank().drop("duration")
    cut = int(0.7 * frame.height)
    return World(frame[:cut], "deposit", frame[cut:], may_decline=True)


def bike_parts(seed: int) -> World:
    """The first 18 months; casual and registered riders, which add up to the count, are not known beforehand."""
    frame = bike()
    cut = int(0.75 * frame.height)
    return World(frame[:cut], "cnt", blank(frame[cut:], "casual", "registered"), "rmse", may_decline=True)


def bike_demand_grows(seed: int) -> World:
    """The first year without the parts of the count; the second year has half as many riders again."""
    frame = bike().drop("casual", "registered")
    cut = int((frame["yr"] == 0).sum())
    return World(frame[:cut], "cnt", frame[cut:], "rmse", may_decline=True)


def titanic_alive(seed: int) -> World:
    """`alive` is the target in words."""
    train, fresh = shuffled(titanic(), 600, seed)
    return World(train, "survived", blank(fresh, "alive"))


def wine_copies(seed: int) -> World:
    """Red wines as published: 240 of 1,599 rows are copies. Fresh wines equal none of the file."""
    with zipfile.ZipFile(datasets.data_folder() / "uci_splits" / "wine-quality-red.zip") as archive:
        table = np.loadtxt(io.BytesIO(archive.read("data.txt")))
    names = [*(f"x{i}" for i in range(table.shape[1] - 1)), "quality"]
    train, fresh = shuffled(pl.DataFrame(table, schema=names), 1000, seed)
    features = [name for name in names if name != "quality"]
    return World(train, "quality", fresh.join(train, on=features, how="anti").unique(maintain_order=True), "rmse")


LISTING = [
    "host_id", "host_since", "host_is_superhost", "host_listings_count", "neighbourhood_cleansed", "latitude", "longitude", "property_type",
    "room_type", "accommodates", "bathrooms", "bedrooms", "beds", "minimum_nights", "availability_365", "number_of_reviews",
    "review_scores_rating", "estimated_occupancy_l365d", "estimated_revenue_l365d", "instant_bookable", "price",
]  # fmt: skip


def airbnb_revenue(seed: int) -> World:
    """A price for a new listing of a new host: its revenue, occupancy times price, is not known, nor are its reviews."""
    raw = gzip.decompress((datasets.data_folder() / "airbnb_dc" / "listings.csv.gz").read_bytes())
    frame = pl.read_csv(raw, columns=LISTING, infer_schema_length=None).select(LISTING).drop_nulls("price")
    price = pl.col("price").cast(pl.String).str.replace_all(r"[$,]", "").cast(pl.Float64)
    frame = frame.with_columns(price=price.log(10).round(4)).filter(pl.col("price").is_finite())
    hosts = frame["host_id"].unique(maintain_order=True)
    old = hosts.sample(fraction=0.6, seed=seed, shuffle=True)
    known = pl.col("host_id").is_in(old.implode())
    return World(frame.filter(known), "price", blank(frame.filter(~known), "estimated_revenue_l365d"), "rmse")


# --- faults planted into real rows ------------------------------------------------------------------------------------


def adult_copies(seed: int) -> World:
    train, fresh = adult()
    rng = np.random.default_rng([seed, 401])
    return World(repeated(train[rng.permutation(train.height)[:800]], 5000, rng), "income", fresh)


def adult_sorted(seed: int) -> World:
    train, fresh = adult()
    chosen = train.sample(4000, seed=seed).sort("income").with_row_index("record")
    return World(chosen, "income", fresh.with_row_index("record", offset=4000))


def adult_wrong_labels(seed: int) -> World:
    """30 % of the high incomes are entered as low."""
    train, fresh = adult()
    rng = np.random.default_rng([seed, 403])
    chosen = train.sample(5000, seed=seed)
    lost = pl.Series(rng.random(5000) < 0.3) & (chosen["income"] == ">50K")
    return World(chosen.with_columns(income=pl.when(lost).then(pl.lit("<=50K")).otherwise("income")), "income", fresh)


def adult_bonus_paid(seed: int) -> World:
    """A bonus is entered only where the income was high; nobody has one when the prediction is made."""
    train, fresh = adult()
    rng = np.random.default_rng([seed, 404])
    chosen = train.sample(4000, seed=seed)
    paid = pl.Series(rng.random(4000) < np.where(chosen["income"] == ">50K", 0.7, 0.02))
    bonus = pl.Series(rng.gamma(2, 900, 4000).round(0))
    nothing = pl.lit(None, dtype=pl.Float64)
    return World(chosen.with_columns(bonus=pl.when(paid).then(bonus)), "income", fresh.with_columns(bonus=nothing))


def california_unit_break(seed: int) -> World:
    """A third of the blocks, in one stretch of the file, has incomes in dollars."""
    train, fresh = shuffled(california(), 5000, seed)
    late = pl.int_range(pl.len()) < 1700
    dollars = (pl.col("median_income") * 10_000).round(0)
    train = train.with_columns(median_income=pl.when(late).then(dollars).otherwise("median_income"))
    return World(train, "median_house_value", fresh, "rmse")


def california_jittered(seed: int) -> World:
    train, fresh = shuffled(california(), 600, seed)
    rng = np.random.default_rng([seed, 406])
    numbers = [
        name for name in train.columns if name not in ("ocean_proximity", "median_house_value", "housing_median_age")
    ]
    train = repeated(train, 3600, rng).with_columns(pl.col(n) * (1 + 0.0005 * rng.normal(size=3600)) for n in numbers)
    return World(train, "median_house_value", fresh, "rmse")


FAULTS = (
    Fault("bank_call_duration", bank_call_duration, ("FG306", "FG312"), about="the length of the call; blank before it", columns=("duration",)),
    Fault("bank_in_time", bank_in_time, ("FG103", "FG314", "FG323", "FG324"), about="the campaign in its order; fresh is its last 30 %"),
    Fault("bike_parts", bike_parts, ("FG306", "FG312", "FG313"), about="casual + registered = cnt; blank afterwards", columns=("casual", "registered")),
    Fault("bike_demand_grows", bike_demand_grows, ("FG323", "FG324", "FG103"), about="2011; fresh is 2012, half as many riders again"),
    Fault("titanic_alive", titanic_alive, ("FG306", "FG312", "FG313"), about="the target in words; blank afterwards", columns=("alive",)),
    Fault("wine_copies", wine_copies, ("FG203",), about="copies as published; fresh wines are new"),
    Fault("airbnb_revenue", airbnb_revenue, ("FG306", "FG312", "FG313"), about="revenue is occupancy times price; blank afterwards, hosts are new", columns=("estimated_revenue_l365d",)),
    Fault("adult_copies", adult_copies, ("FG203",), about="800 people drawn 5,000 times; fresh is the official test"),
    Fault("adult_sorted", adult_sorted, ("FG306", "FG314"), about="sorted by income and numbered; fresh numbers go on", columns=("record",)),
    Fault("adult_wrong_labels", adult_wrong_labels, ("FG326",), about="30 % of the high incomes entered as low; fresh labels as published"),
    Fault("adult_bonus_paid", adult_bonus_paid, ("FG306", "FG312", "FG320"), about="a bonus entered where income was high; blank afterwards", columns=("bonus",)),
    Fault("california_unit_break", california_unit_break, ("FG325",), about="a stretch of the file has incomes in dollars; afterwards none", columns=("median_income",)),
    Fault("california_jittered", california_jittered, ("FG203",), about="600 blocks, each about six times with a jitter of .05 %"),
)  # fmt: skip
