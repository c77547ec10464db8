"""Explore on whole tables: known leaks are named without being told, and clean tables stay quiet (FG306, FG312 to FG317)."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldguide.parts import names
from fieldguide.steps import checking
from fieldguide.workflow import Study

DATA = Path(os.environ.get("FIELDGUIDE_DATA", Path(__file__).parents[3] / "shared" / "data"))
LEAKS = ("FG306", "FG312", "FG313", "FG314", "FG315", "FG316", "FG317")


@pytest.fixture(autouse=True)
def only_leaks(monkeypatch):
    """Other checks have tests of their own, and take their time."""
    looked_at = tuple(name for name in names("checks") if name[:5].upper() in LEAKS)
    monkeypatch.setattr(checking, "names", lambda kind: looked_at)


def found(folder, table, target):
    """Return the leaks that explore finds, by code, without being told anything but the target."""
    study = Study.create(table, target=target, out=folder / "study")
    text = (study.folder / "study.yaml").read_text()
    (study.folder / "study.yaml").write_text(text + "threads: 1\n")
    return {f.code: f for f in Study(study.folder).explore().findings if f.fired and f.code in LEAKS}


def excluded(findings):
    return {name for finding in findings.values() for name in finding.evidence.get("exclude", ())}


def loud(findings):
    return [f.sentence for f in findings.values() if f.severity != "info"]


def file(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not here (set FIELDGUIDE_DATA)")
    return path


# Clean tables: no warning


def of_sklearn(name):
    datasets = pytest.importorskip("sklearn.datasets")
    data = getattr(datasets, f"load_{name}")()
    columns = {str(c): data.data[:, i] for i, c in enumerate(data.feature_names)}
    target = data.target if name == "diabetes" else [f"class {code}" for code in data.target]
    return pl.DataFrame({**columns, "target": target}), "target"


def of_statsmodels(name, target):
    api = pytest.importorskip("statsmodels.api")
    data = getattr(api.datasets, name).load_pandas().data
    return pl.DataFrame({str(c): data[c].to_numpy() for c in data.columns}), target


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "iris", "wine", "digits"])
def test_clean_tables_of_scikit_learn_are_quiet(tmp_path, name):
    table, target = of_sklearn(name)
    findings = found(tmp_path, table.sample(300, seed=0) if name == "digits" else table, target)
    assert not loud(findings) and not excluded(findings)


@pytest.mark.parametrize(("name", "target"), [("fair", "affairs"), ("randhie", "mdvis")])
def test_clean_tables_of_statsmodels_are_quiet(tmp_path, name, target):
    table, target = of_statsmodels(name, target)
    findings = found(tmp_path, table.gather_every(max(1, table.height // 4_000)), target)
    assert not loud(findings) and not excluded(findings)


def made(seed, n=800):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    columns = {f"x{i}": x[:, i] for i in range(5)}
    columns["gap"] = np.where(rng.random(n) < 0.3, np.nan, rng.gamma(2.0, 3.0, n))
    columns["zero"] = np.where(rng.random(n) < 0.6, 0.0, rng.gamma(2.0, 3.0, n))
    columns["level"] = rng.choice(["red", "green", "blue"], n)
    score = x[:, 0] + 0.7 * x[:, 1] * x[:, 2] + 0.5 * (columns["level"] == "red") + rng.logistic(size=n)
    target = np.where(score > 1, "sold", "open") if seed % 2 else score
    return pl.DataFrame({**columns, "target": target}).with_columns(pl.col("gap").fill_nan(None))


@pytest.mark.parametrize("seed", range(2))
def test_clean_tables_made_by_seed_are_quiet(tmp_path, seed):
    findings = found(tmp_path, made(seed), "target")
    assert not loud(findings) and not excluded(findings)


# Planted leaks


def test_planted_leaks_are_left_out_together(tmp_path):
    rng = np.random.default_rng(0)
    table = made(1, 1_500)
    sold = (table["target"] == "sold").to_numpy()
    findings = found(
        tmp_path,
        table.with_columns(
            closed_on=pl.Series([f"2024-0{1 + i % 9}-11" if s else None for i, s in enumerate(sold)]),
            invoice=np.where(sold, rng.gamma(2.0, 50.0, len(sold)).round(2), 0.0),
            code=np.where(sold, 7, 3),
            note=pl.Series(["sold to the neighbour" if s else "call again" if r < 0.5 else "sent a letter"
                            for s, r in zip(sold, rng.random(len(sold)))]),
        ),
        "target",
    )  # fmt: skip
    assert excluded(findings) == {"closed_on", "invoice", "code", "note"}


# Traps that are really in the data


def test_bank_duration_is_named(tmp_path):
    with gzip.open(file("bank_marketing/bank.csv.gz")) as opened:
        table = pl.read_csv(opened.read(), infer_schema_length=None)
    findings = found(tmp_path, table.gather_every(5), table.columns[-1])
    assert findings["FG312"].columns == ("duration",) and findings["FG312"].severity == "warning"
    assert excluded(findings) == {"duration"}


def test_titanic_alive_is_left_out(tmp_path):
    findings = found(tmp_path, str(file("titanic/titanic.csv")), "survived")
    assert excluded(findings) == {"alive"} == set(findings["FG313"].columns)


def test_bike_casual_and_registered_are_left_out(tmp_path):
    with zipfile.ZipFile(file("bike_sharing/Bike-Sharing-Dataset.zip")) as opened:
        table = pl.read_csv(opened.read("hour.csv"))
    findings = found(tmp_path, table.gather_every(6), "cnt")
    assert excluded(findings) == {"casual", "registered"}
    assert findings["FG313"].sentence.startswith("'cnt' is casual + registered, in 100 % of ")


@pytest.mark.timeout(900)
def test_airbnb_revenue_is_left_out(tmp_path):
    with gzip.open(file("airbnb_dc/listings.csv.gz")) as opened:
        table = pl.read_csv(opened.read(), infer_schema_length=None)
    findings = found(tmp_path, table.gather_every(2), "price")
    assert excluded(findings) == {"estimated_revenue_l365d", "estimated_occupancy_l365d"}


def test_outcomes_of_intensive_care_are_named(tmp_path):
    findings = found(tmp_path, str(file("physionet2012_setA/Outcomes-a.txt")), "In-hospital_death")
    assert excluded(findings) == {"Survival"}
    assert "'Length_of_stay'" in findings["FG312"].remedy


def test_honest_strong_columns_stay(tmp_path):
    with gzip.open(file("california_housing/housing.csv.gz")) as opened:
        table = pl.read_csv(opened.read(), infer_schema_length=None)
    findings = found(tmp_path, table.gather_every(8), "median_house_value")
    assert not loud(findings) and not excluded(findings)
