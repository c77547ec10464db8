"""The tables of the accuracy benchmark: real ones, read from the data folder, and a large made one, written as the CSV files every tool is given.

Knows files, targets, official splits and metrics; nothing of any tool. The folder is `FIELDGUIDE_DATA`, else `../shared/data`.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

ADULT = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
]


def data_folder() -> Path:
    """Return the folder of real data sets.

    Raises:
        FileNotFoundError: it is nowhere.
    """
    given = os.environ.get("FIELDGUIDE_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no data folder {folder}; set FIELDGUIDE_DATA")
    return folder


@dataclass(frozen=True)
class Task:
    """One table with its train and test rows.

    Args:
        metric: "roc_auc" or "rmse".
        time: the test rows are the latest.
        log: the target is judged as log1p.
        seconds: budget.
    """

    name: str
    target: str
    metric: str
    train: pl.DataFrame
    test: pl.DataFrame
    time: bool = False
    log: bool = False
    seconds: float = 120.0


def adult(seed: int) -> Task:
    def read(name: str) -> pl.DataFrame:
        text = gzip.decompress((data_folder() / "adult" / name).read_bytes())
        frame = pl.read_csv(text, has_header=False, new_columns=ADULT, infer_schema=False).drop_nulls("income")
        return frame.with_columns([pl.col(c).str.strip_chars().str.strip_suffix(".") for c in ADULT])

    return Task("adult", "income", "roc_auc", read("adult.data.gz"), read("adult-test.csv.gz"))


def bank(seed: int) -> Task:
    """Without `duration`, which is known only after the call; in time order, the last 30 % as test."""
    frame = pl.read_csv(data_folder() / "bank_marketing" / "bank.csv.gz").drop("duration")
    cut = int(0.7 * frame.height)
    return Task("bank", "deposit", "roc_auc", frame[:cut], frame[cut:], time=True)


def bank_shuffled(seed: int) -> Task:
    frame = pl.read_csv(data_folder() / "bank_marketing" / "bank.csv.gz").drop("duration")
    return _random("bank shuffled", "deposit", "roc_auc", frame, seed)


def california(seed: int) -> Task:
    frame = pl.read_csv(data_folder() / "california_housing" / "housing.csv.gz")
    return _random(
        "california", "median_house_value", "rmse", frame.with_columns(pl.col("median_house_value") / 1e5), seed
    )


def bike(seed: int) -> Task:
    """Without the parts of the count; the last 20 % in time as test; judged by the error of log1p."""
    with zipfile.ZipFile(data_folder() / "bike_sharing" / "Bike-Sharing-Dataset.zip") as archive:
        frame = pl.read_csv(io.BytesIO(archive.read("hour.csv"))).drop("casual", "registered")
    cut = int(0.8 * frame.height)
    return Task("bike", "cnt", "rmse", frame[:cut], frame[cut:], time=True, log=True)


def uci(name: str, split: int) -> Task:
    with zipfile.ZipFile(data_folder() / "uci_splits" / f"{name}.zip") as archive:

        def table(file: str) -> np.ndarray:
            return np.loadtxt(io.BytesIO(archive.read(file)))

        data, target = table("data.txt"), int(table("index_target.txt"))
        features = table("index_features.txt").astype(int)
        rows = [table(f"index_{part}_{split}.txt").astype(int) for part in ("train", "test")]
    columns = {f"x{i}": data[:, f] for i, f in enumerate(features)} | {"y": data[:, target]}
    frame = pl.DataFrame(columns)
    return Task(f"{name}", "y", "rmse", frame[rows[0]], frame[rows[1]], seconds=30.0)


def many_rows(seed: int) -> Task:
    """Made by seed: 300,000 rows of 40 numbers and a category of 30 levels, waves, products and steps in their log odds; 50,000 test rows."""
    rng = np.random.default_rng(seed)
    n_train, n, n_columns = 300_000, 350_000, 40
    x = rng.normal(size=(n, n_columns)).astype(np.float32)
    level, effect = rng.integers(0, 30, size=n), rng.normal(size=30)
    bends = 2 * np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + np.abs(x[:, 3]) * (x[:, 4] > 0)
    odds = bends + 0.8 * effect[level] + 0.3 * x[:, 5:12].sum(axis=1)
    answer = np.where(odds + rng.logistic(size=n) > 0, "yes", "no")
    cells = {f"x{i}": x[:, i] for i in range(n_columns)} | {"level": [f"l{v}" for v in level], "answer": answer}
    frame = pl.DataFrame(cells)
    return Task("many_rows", "answer", "roc_auc", frame[:n_train], frame[n_train:])


TASKS: dict[str, Callable[[int], Task]] = {
    "adult": adult, "bank": bank, "california": california, "bike": bike, "many_rows": many_rows,
    **{n: (lambda seed, n=n: uci(n, seed)) for n in ("concrete", "energy", "kin8nm", "power-plant", "wine-quality-red")},
}  # type: ignore[dict-item]  # fmt: skip


def _random(name: str, target: str, metric: str, frame: pl.DataFrame, seed: int) -> Task:
    order = np.random.default_rng(seed).permutation(frame.height)
    cut = int(0.8 * frame.height)
    return Task(name, target, metric, frame[order[:cut]], frame[order[cut:]])
