"""Series in cells and sounds: UCR/UEA sets on their published splits, spoken digits on the official split and on unseen speakers.

    taskset -c 0 python -m benchmarks.curves [--only GunPoint,ItalyPowerDemand,JapaneseVowels,digits,speakers] [--seeds 5]

Settings are fixed for all sets of a kind. The series sets have too few rows to stop on, so networks are trained a stated number
of epochs. `digits` is the official test set (recordings 0 to 4 of every speaker and digit); `speakers` leaves one speaker out
at a time: the difference between the two is what a split that ignores speakers hides.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.datasets import data_folder
from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.settings import with_values
from fieldguide.core.table import Column, Table
from fieldguide.parts import find, modality

PUBLISHED = {
    "GunPoint": "FCN 1.000, ResNet .991", "ItalyPowerDemand": "FCN .963, ResNet .962", "JapaneseVowels": "FCN .993, ResNet .992",
    "digits": "linear .940", "speakers": "linear .630",
}  # fmt: skip
SERIES = (
    ("linear", {}, {}),
    ("fusion", {"series": "fcn", "batch_size": 16, "n_epochs": 100, "dropout": 0.0}, {}),
    ("fusion", {"series": "resnet", "d_embedding": 64, "batch_size": 16, "n_epochs": 100, "dropout": 0.0}, {}),
)
SOUNDS = (("linear", {}, {}), ("fusion", {"d_embedding": 64, "n_epochs": 12, "dropout": 0.2}, {"mel_bands": 40}))

Division = tuple[Rows, Rows, Output]


def series_rows(name: str) -> Iterator[Division]:
    """Yield the published training and test rows."""
    parts = {}
    with zipfile.ZipFile(data_folder() / "ucr" / f"{name}.zip") as archive:
        for part in ("TRAIN", "TEST"):
            with archive.open(f"{name}_{part}.ts") as file:
                lines = io.TextIOWrapper(file, encoding="latin-1").read().lower().split("@data", 1)[1].splitlines()
            rows = [line.strip().split(":") for line in lines if line.strip()]
            parts[part] = (
                [str([[float(v) for v in channel.split(",") if v != "?"] for channel in row[:-1]]) for row in rows],
                [f"c{row[-1]}" for row in rows],
            )
    output = _output(parts["TRAIN"][1])
    column = Column("curve", "series")
    train, test = (
        _rows(modality("series").read(pl.Series("curve", texts), column)[0], column, labels, output)
        for texts, labels in parts.values()
    )
    yield train, test, output


def sound_rows(name: str, folder: Path) -> Iterator[Division]:
    """Yield the official division, or one for every speaker left out."""
    with zipfile.ZipFile(data_folder() / "fsdd" / "recordings.zip") as archive:
        archive.extractall(folder)
    files = sorted(folder.rglob("*.wav"))
    said = [file.stem.split("_") for file in files]  # digit, speaker, recording
    labels, speakers = [f"d{digit}" for digit, _, _ in said], np.array([speaker for _, speaker, _ in said])
    column = Column("sound", "audio", read={"root": str(folder)})
    cells, broken = modality("audio").read(
        pl.Series("sound", [str(file.relative_to(folder)) for file in files]), column
    )
    assert not broken.any()
    output = _output(labels)
    every = _rows(cells, column, labels, output)
    if name == "digits":
        official = np.array([int(recording) < 5 for _, _, recording in said])
        masks = [official]
    else:
        masks = [speakers == speaker for speaker in np.unique(speakers)]
    for mask in masks:
        yield every.take(np.flatnonzero(~mask)), every.take(np.flatnonzero(mask)), output


def _output(labels: list[str]) -> Output:
    task = find("tasks", "binary" if len(set(labels)) == 2 else "multiclass")()
    return Output("label", task, task.labels(pl.Series("label", labels), None))


def _rows(cells: pl.Series, column: Column, labels: list[str], output: Output) -> Rows:
    frame = pl.DataFrame({column.name: cells, "label": labels})
    return Rows.of(Table(frame, (column, Column("label", "category", "target"))), (output,), modality)


def judged(
    division: Division, learner: str, settings: dict[str, Any], recipe: dict[str, Any], seed: int
) -> tuple[float, int]:
    """Return accuracy on the test rows of a fit on all training rows, and how many were judged."""
    train, test, output = division
    candidate = Candidate.of(learner, with_values(find("learners", learner)(), settings), recipe)
    fitted, _ = fit(candidate, train, None, (output,), modality, Effort(seed, 1))
    right = fitted.predict(test.cells, len(test))[0].argmax(axis=1) == test.truths[0]
    return float(right.mean()), len(test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="GunPoint,ItalyPowerDemand,JapaneseVowels,digits")
    parser.add_argument("--seeds", type=int, default=5)
    said = parser.parse_args()
    print(
        "| set | candidate | accuracy (mean ± standard error over seeds) | CPU s a fit | published or measured floor |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in said.only.split(","):
            sounds = name in ("digits", "speakers")
            divisions = list(sound_rows(name, Path(folder)) if sounds else series_rows(name))
            for learner, settings, recipe in SOUNDS if sounds else SERIES:
                seeds = range(said.seeds if learner == "fusion" else 1)
                begun, scores = time.process_time(), []
                for seed in seeds:
                    found = [judged(division, learner, settings, recipe, seed) for division in divisions]
                    scores.append(np.average([score for score, _ in found], weights=[n for _, n in found]))
                cpu = (time.process_time() - begun) / len(seeds) / len(divisions)
                error = f" ± {np.std(scores, ddof=1) / len(scores) ** 0.5:.4f}" if len(scores) > 1 else ""
                what = settings.get("series", "cnn") if learner == "fusion" else "flat features"
                print(
                    f"| {name} | {learner}, {what} | {np.mean(scores):.4f}{error} | {cpu:.0f} | {PUBLISHED[name]} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
