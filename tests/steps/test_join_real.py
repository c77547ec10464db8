"""join on real events: PhysioNet 2012 set A (deaths from the first 48 hours) and CDNOW (who buys again)."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fieldguide.core.documents.config import parse_config
from fieldguide.steps.join.join import join

pytest.importorskip("duckdb")

DATA = Path(os.environ.get("FIELDGUIDE_DATA", Path(__file__).parents[3] / "shared" / "data"))
CDNOW = """
problem: {target: again}
join:
  units: {table: cdnow.csv, entity: customer, time: day, at: 1997-09-30}
  same_time: include
  features:
    - table: cdnow.csv
      time: day
      columns:
        days: {aggregate: nunique, column: day}
        spend: {aggregate: [sum, mean], column: spend}
        age: {aggregate: since_first}
        recency: {aggregate: since_last}
  outcome: {table: cdnow.csv, time: day, horizon: 273d, until: 1998-06-30}
"""
PHYSIONET = """
problem: {target: In-hospital_death}
join:
  clock: hours
  units: {table: out.csv, entity: RecordID, at: 48h}
  same_time: include
  features:
    - table: events.csv
      time: Time
      where: "Parameter != 'RecordID' and Value >= 0"
      columns:
        v: {aggregate: [mean, min, max, last, count], column: Value, by: Parameter}
  outcome: {table: out.csv, column: In-hospital_death}
"""


def file(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not here (set FIELDGUIDE_DATA)")
    return path


def cdnow(folder: Path, name: str) -> tuple[pl.DataFrame, dict[str, Any]]:
    with gzip.open(file(f"cdnow/{name}"), "rt") as lines:
        rows = [line.split() for line in lines]
    rows = [row for row in rows if row[-3].isdigit()]
    column = 1 if len(rows[0]) == 5 else 0  # the sample numbers its customers anew
    days = [f"{row[-3][:4]}-{row[-3][4:6]}-{row[-3][6:]}" for row in rows]
    spend = [float(row[-1]) for row in rows]
    pl.DataFrame({"customer": [row[column] for row in rows], "day": days, "spend": spend}).write_csv(
        folder / "cdnow.csv"
    )
    facts, _ = join(parse_config(CDNOW, folder), folder / "joined.parquet", folder / "work")
    return pl.read_parquet(folder / "joined.parquet"), facts


def test_the_customers_of_cdnow_give_the_published_model(tmp_path):
    """Frequency, recency and age of the 1/10 sample; the BG/NBD fitted to them is Fader, Hardie and Lee's (2005)."""
    from scipy.optimize import minimize
    from scipy.special import gammaln

    table, _ = cdnow(tmp_path, "CDNOW_sample.txt.gz")
    x, age = (table["days"] - 1).to_numpy(), table["age"].to_numpy() / 7
    t_x = age - table["recency"].to_numpy() / 7
    assert (len(x), x.sum()) == (2357, 2457)
    assert (age.min(), age.max().round(2)) == (27.0, 38.86)

    def loss(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs)
        common = (
            gammaln(r + x)
            - gammaln(r)
            + r * np.log(alpha)
            + gammaln(a + b)
            + gammaln(b + x)
            - gammaln(b)
            - gammaln(a + b + x)
        )
        left = np.where(x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x), -np.inf)
        return -float((common + np.logaddexp(-(r + x) * np.log(alpha + age), left)).sum())

    found = minimize(loss, np.zeros(4), method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-6, "fatol": 1e-8})
    assert np.exp(found.x) == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=6e-4)
    assert -found.fun == pytest.approx(-9582.4, abs=0.05)


def test_as_many_customers_of_cdnow_buy_again_as_counted(tmp_path):
    table, facts = cdnow(tmp_path, "CDNOW_master.txt.gz")
    assert (table.height, facts["n_immature"]) == (23_570, 0)
    assert table["again"].mean() == pytest.approx(0.299, abs=5e-4)
    assert facts["delay"]["arrive_at_all"] == pytest.approx(table["again"].mean())


@pytest.mark.parametrize("n", [200, pytest.param(4_000, marks=pytest.mark.nightly)])
def test_physionet_features_are_those_of_a_plain_group_by(tmp_path, n):
    folder = file("physionet2012_setA/events.csv.gz").parent
    events = pl.read_csv(folder / "events.csv.gz")
    patients = events["RecordID"].unique().sort().head(n)
    events.filter(pl.col("RecordID").is_in(patients.implode())).write_csv(tmp_path / "events.csv")
    pl.read_csv(folder / "Outcomes-a.txt").filter(pl.col("RecordID").is_in(patients.implode())).write_csv(
        tmp_path / "out.csv"
    )
    facts, _ = join(parse_config(PHYSIONET, tmp_path), tmp_path / "joined.parquet", tmp_path / "work")
    table = pl.read_parquet(tmp_path / "joined.parquet")
    assert facts["n_units"] == table.height == n
    if n == 4_000:
        assert (table.width, table["In-hospital_death"].sum()) == (207, 554)
    events = events.filter(pl.col("RecordID").is_in(patients.implode()))
    events = events.filter((pl.col("Parameter") != "RecordID") & (pl.col("Value") >= 0))
    value = pl.col("Value")
    wanted = events.group_by("RecordID", "Parameter").agg(
        mean=value.mean(), min=value.min(), max=value.max(), last=value.last(), count=value.len().cast(pl.Float64)
    )
    for parameter in ("HR", "GCS", "Lactate", "Age"):
        both = table.select("RecordID", r"^v_" + parameter + r"_.*$").join(
            wanted.filter(Parameter=parameter), on="RecordID", how="left"
        )
        for how in ("mean", "min", "max", "last", "count"):
            expected = both[how].fill_null(0.0) if how == "count" else both[how]
            found = both[f"v_{parameter}_{how}"]
            assert found.null_count() == expected.null_count()
            assert (found - expected).abs().max() < 1e-9, (parameter, how)
