"""Proxies on real customers: does a second purchase soon after the first stand for one a year later?"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldguide.core.contracts import Roles
from fieldguide.core.documents.config import parse_config
from fieldguide.steps.explore.proxy import proxy_quality
from fieldguide.steps.frame.frame import frame

DATA = Path(os.environ.get("FIELDGUIDE_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILE = DATA / "cdnow" / "CDNOW_master.txt.gz"
STUDY = """
problem: {goal: Keep customers, unit: a new customer after 30 days, proxy: soon}
data: {table: customers.csv, time: first, key: customer}
proxies:
  outcome: {event: bought after a year}
  soon: {event: bought within 60 days, variants: [bought within 90 days]}
  big: {event: "`spent within 60 days` > 50"}
  chance: {event: coin}
"""


@pytest.fixture(scope="module")
def quality(tmp_path_factory):
    if not FILE.is_file():
        pytest.skip(f"{FILE} is not here (set FIELDGUIDE_DATA)")
    folder = tmp_path_factory.mktemp("cdnow")
    customers().sample(8_000, seed=0).sort("first").write_csv(folder / "customers.csv")
    config = parse_config(STUDY, folder)
    framed = frame(config)
    n = framed.table.n_rows
    times = framed.table.frame["first"].to_physical().to_numpy()
    return proxy_quality(
        framed.table, framed.problem, Roles(np.arange(n, dtype=np.uint64), np.arange(n), times), config.proxies
    )


def customers() -> pl.DataFrame:
    """Return a row per customer, 30 days after the first purchase: what was known then, and what came later."""
    lines = [
        line.split() for line in gzip.decompress(FILE.read_bytes()).decode("ascii").splitlines()[1:] if line.strip()
    ]
    dates = pl.Series([line[1] for line in lines]).str.to_date("%Y%m%d")
    events = pl.DataFrame(
        {
            "customer": [line[0] for line in lines],
            "date": dates,
            "cds": [float(line[2]) for line in lines],
            "spent": [float(line[3]) for line in lines],
        }
    )
    first = events.group_by("customer").agg(pl.col("date").min().alias("first"))
    days = (pl.col("date") - pl.col("first")).dt.total_days()
    early, soon, quarter, late = days <= 30, days.is_between(31, 90), days.is_between(31, 120), days > 365
    rng = np.random.default_rng(0)
    return (
        events.join(first, on="customer").group_by("customer").agg(
            pl.col("first").first(), pl.col("spent").filter(early).sum().alias("spent so far"), pl.col("cds").filter(early).sum().alias("cds so far"),
            early.sum().alias("purchases so far"), (days.filter(early)).max().alias("days to the last"),
            soon.any().alias("bought within 60 days"), quarter.any().alias("bought within 90 days"), late.any().alias("bought after a year"),
            pl.col("spent").filter(soon).sum().alias("spent within 60 days"),
        ).sort("first", "customer").with_columns(pl.Series("coin", rng.random(len(first)) < 0.2))
    )  # fmt: skip


def test_the_second_purchase_stands_for_the_late_one_and_a_coin_does_not(quality):
    rows = {row["name"]: row for row in quality["candidates"]}
    assert quality["recommended"] in ("soon", "big", "outcome")
    assert rows["soon"]["predictability"]["p"] == 0.005
    assert rows["soon"]["agreement"]["rate_with"] > 2 * rows["soon"]["agreement"]["rate_without"]
    assert rows["soon"]["outcome_score"]["value"] > 0.6
    assert rows["chance"]["predictability"]["p"] * 4 > 0.05
    low, high = rows["chance"]["agreement"]["interval"]
    assert low < 0 < high


def test_its_window_does_not_matter_much(quality):
    (variant,) = next(row for row in quality["candidates"] if row["name"] == "soon")["variants"]
    assert variant["spearman"] > 0.8 and abs(variant["outcome_difference"]) < 0.02
