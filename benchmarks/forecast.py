"""Forecasts on published splits: exact oracles first, then whole studies, the seal opened once.

`python -m benchmarks.forecast` prints "repeat the last value" on ETTh1 and the exchange rates (an evaluation either reproduces these
figures or is wrong), then what a study chooses on validation rows and what the sealed rows say of it. `--networks` lets the networks
take part, `--seeds N` repeats the study. Splits are the published ones: 12/4/4 months and 70/10/20 %; series are divided by their
standard deviation in the training part. Published figures: Zeng et al. 2023, Nie et al. 2023.
"""

from __future__ import annotations

import argparse
import gzip
import io
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.datasets import data_folder
from fieldguide.core.bench import refitted
from fieldguide.core.series.panel import Panel
from fieldguide.workflow import Study

HORIZONS = (96, 192, 336, 720)
PUBLISHED = {
    "etth1": {
        "repeat": (1.295, 1.325, 1.323, 1.339),
        "DLinear": (0.375, 0.405, 0.439, 0.472),
        "PatchTST": (0.370, 0.413, 0.422, 0.447),
    },
    "exchange_rate": {"repeat": (0.081, 0.167, 0.305, 0.823), "DLinear": (0.081, 0.157, 0.305, 0.643)},
}
SIZES = {"etth1": (8640, 2880, 2880), "exchange_rate": (5311, 760, 1517)}
"""Steps to train, validate and test on."""


def table(name: str) -> pl.DataFrame:
    """Return the steps that the published split uses, with the test part marked."""
    folder = data_folder() / name
    if name == "etth1":
        frame = pl.read_csv(gzip.decompress((folder / "ETTh1.csv.gz").read_bytes())).head(sum(SIZES[name]))
    else:
        values = np.loadtxt(io.BytesIO(gzip.decompress((folder / "exchange_rate.txt.gz").read_bytes())), delimiter=",")
        days = np.datetime64("1990-01-01") + np.arange(len(values))
        frame = pl.DataFrame(
            {"date": [str(day) for day in days], **{f"c{i}": values[:, i] for i in range(values.shape[1])}}
        )
    n_test = SIZES[name][2]
    part = ["dev"] * (frame.height - n_test) + ["test"] * n_test
    return frame.with_columns(part=pl.Series(part))


def repeat(name: str, horizon: int) -> tuple[float, float]:
    """Return MSE and MAE of repeating the last value on the test part, series divided by their training deviation.

    Shape:
        every origin of the test part counts, the first one the last step before it
    """
    frame = table(name)
    values = frame.drop("date", "part").to_numpy()
    n, channels = values.shape
    panel = Panel(
        tuple(map(str, range(channels))), values.T.reshape(-1).copy(), np.arange(channels + 1) * n, np.arange(n), np.zeros(channels, np.int64)
    )  # fmt: skip
    panel = panel.scaled("deviation", 1, SIZES[name][0] - 1)
    origins = panel.origins(1, horizon)
    origins = origins.take(np.flatnonzero(panel.times_at(origins) >= n - SIZES[name][2] - 1))
    errors = np.asarray(panel.targets(origins, horizon)) - np.asarray(panel.past(origins, 1))
    return float((errors**2).mean()), float(np.abs(errors).mean())


def study_of(
    name: str, horizon: int, folder: Path, seed: int, networks: bool, trials: int, minutes: float | None
) -> dict[str, Any]:
    """Run one study from its file to its sealed score."""
    frame = table(name)
    folder.mkdir(parents=True)
    frame.write_csv(folder / "table.csv")
    window = 512 if name == "etth1" else 336
    n_train, n_validation, _ = SIZES[name]
    origins = n_train + n_validation - window - horizon + 1
    targets = [column for column in frame.columns if column not in ("date", "part")]
    use = ["naive", "seasonal_naive", "nlinear", *(["dlinear", "patchtst"] if networks else [])]
    (folder / "study.yaml").write_text(
        f"problem: {{target: {targets}, task: forecast, horizon: {horizon}, window: {window}, metric: mse}}\n"
        f"data: {{table: table.csv, time: date}}\n"
        f"split: {{column: part, test: test, validation: {(n_validation - horizon + 1) / origins:.6f}}}\n"
        f"learners: {{use: {use}}}\nbudget: {{trials: {trials}, minutes: {minutes or ''}}}\nseed: {seed}\nthreads: 1\n"
    )
    started = time.process_time()
    study = Study(folder)
    refined = study.run()
    final = study.finalize()
    found = next(f for f in study.baseline().findings if f.code == "FG511")
    name_of_bar, mse, mae = as_published(study)
    return {
        "published_way": f"{name_of_bar} fitted on the training part only: {mse:.4f}, MAE {mae:.4f}",
        "chosen": refined["chosen"], "members": final["members"], "validation": final["validation"][0]["value"], "test": final["scores"][0]["value"],
        "interval": final["scores"][0]["interval"], "mae": final["forecasts"]["against_repeat"]["error"], "coverage": final["forecasts"]["coverage"]["share"],
        "board": {entry["candidate"]: round(entry["score"]["value"], 4) for entry in study.leaderboard()}, "repeat": found.sentence, "codes": sorted(f.code for f in final.findings if f.fired), "seconds": time.process_time() - started,
    }  # fmt: skip


def as_published(study: Study) -> tuple[str, float, float]:
    """Return the bar, and its MSE and MAE on the sealed part when it is fitted on the published training part only.

    `finalize` fits again on training and validation rows; papers do not. The seal is open by now.
    """
    bench, material = study._bench, study.material
    entry = next(entry for entry in study.baseline()["entries"] if entry["candidate"] == study.baseline()["bar"])
    trial = bench.remembered(entry)
    fitted = refitted(bench, trial, bench.rows.take(bench.folds[0].train), bench.seed)
    rows = material.rows_of(material.divided.split.test)
    (answer,) = fitted.predict(rows.cells, len(rows))
    errors = answer - np.asarray(rows.truths[0])
    return trial.name, float((errors**2).mean()), float(np.abs(errors).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", action="store_true")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=None, help="wall time of a study")
    parser.add_argument("--horizons", type=int, nargs="*", default=[96])
    parser.add_argument("--tables", nargs="*", default=["etth1", "exchange_rate"])
    said = parser.parse_args()
    print("Repeat the last value, MSE / MAE (published MSE)")
    for name in said.tables:
        for horizon, published in zip(HORIZONS, PUBLISHED[name]["repeat"], strict=True):
            mse, mae = repeat(name, horizon)
            print(f"  {name:14} {horizon:4}  {mse:.3f} / {mae:.3f}  ({published:.3f})")
    print("Studies, MSE on the sealed part")
    for name in said.tables:
        for horizon in said.horizons:
            for seed in range(said.seeds):
                with tempfile.TemporaryDirectory() as temporary:
                    found = study_of(
                        name, horizon, Path(temporary) / "study", seed, said.networks, said.trials, said.minutes
                    )
                at = HORIZONS.index(horizon)
                known = ", ".join(f"{who} {values[at]:.3f}" for who, values in PUBLISHED[name].items())
                low, high = found["interval"]
                print(
                    f"  {name:14} {horizon:4} seed {seed}: {found['chosen']} {found['members']}: test {found['test']:.4f} [{low:.3f}, {high:.3f}], MAE {found['mae']:.4f}, "
                    f"validation {found['validation']:.4f}, coverage {found['coverage']:.3f}, {found['seconds']:.0f} CPU s ({known})", flush=True,
                )  # fmt: skip
                print(f"      {found['published_way']}; validation: {found['board']}", flush=True)
                print(f"      {found['repeat']} {found['codes']}", flush=True)


if __name__ == "__main__":
    main()
