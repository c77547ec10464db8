"""Images against what a table's learners make of 16 x 16 shades of grey: the same rows, one core.

    taskset -c 0 python -m benchmarks.images [--data DIR] [--only mnist,signs,counts] [--seeds 1]

One division a data set, by content, stated in the table: 80 % to learn from, of which the network stops on a tenth, and 20 %
to be judged. Settings are fixed before the judged rows are looked at. For BCCD the lists of the data set divide.
"""

from __future__ import annotations

import argparse
import gzip
import os
import tempfile
import time
import xml.etree.ElementTree as ElementTree  # the files are the data set's own
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.files.media import by_content, rooted
from fieldguide.core.files.source import open_source
from fieldguide.core.problem import Output
from fieldguide.core.reading import read_frame
from fieldguide.core.rows import Rows
from fieldguide.core.settings import with_values
from fieldguide.core.table import Column, Table, row_keys
from fieldguide.parts import find, modality

LEARNERS: dict[str, tuple[tuple[str, dict[str, Any], dict[str, Any]], ...]] = {
    "mnist": (
        ("linear", {}, {}), ("neighbours", {}, {}), ("boosting", {"n_rounds": 150}, {}), ("mlp", {}, {}),
        ("fusion", {"d_embedding": 64, "n_epochs": 8}, {"pixels": 28}),
    ),
    "signs": (
        ("linear", {}, {}), ("neighbours", {}, {}), ("boosting", {"n_rounds": 150}, {}), ("mlp", {}, {}),
        ("fusion", {"d_embedding": 128, "n_epochs": 40, "patience": 40}, {"pixels": 64}),
    ),
    "counts": (
        ("prior", {}, {}), ("linear", {}, {}), ("boosting", {}, {}),
        (
            "fusion",
            {"d_embedding": 64, "n_epochs": 80, "patience": 80, "batch_size": 16, "dropout": 0.0, "learning_rate": 1e-3},
            {"pixels": 160, "flip": True},  # mirrored cells are cells; chosen of two on the validation list
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """Rows of a data set with their division."""

    rows: Rows
    output: Output
    train: np.ndarray
    stop: np.ndarray
    judged: np.ndarray
    said: str


def write_mnist(data: Path, folder: Path) -> Path:
    """Write the 10,000 images as PNG files in folders of classes."""
    from PIL import Image

    images = np.frombuffer(gzip.decompress((data / "mnist_t10k/t10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = np.frombuffer(gzip.decompress((data / "mnist_t10k/t10k-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    for number, (image, label) in enumerate(zip(images.reshape(-1, 28, 28), labels, strict=True)):
        place = folder / "mnist" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")
    return folder / "mnist"


def write_signs(data: Path, folder: Path) -> Path:
    """Unpack the photographs of hands."""
    with zipfile.ZipFile(data / "sign_language_digits/sign_language_digits.zip") as packed:
        for name in packed.namelist():
            if name[:1].isdigit() and name.lower().endswith(".jpg"):
                packed.extract(name, folder / "signs")
    return folder / "signs"


def write_counts(data: Path, folder: Path) -> Path:
    """Write a table of photographs with their counts of red cells, white cells and platelets, and their part."""
    place = folder / "counts"
    with zipfile.ZipFile(data / "bccd_blood_cells/bccd.zip") as packed:
        packed.extractall(place)
    lists = {path.stem: path.read_text().split() for path in place.rglob("ImageSets/Main/*.txt")}
    rows = []
    for part in ("train", "val", "test"):
        for name in lists[part]:
            boxes = ElementTree.parse(next(place.rglob(f"Annotations/{name}.xml"))).findall("object/name")
            named = [str(box.text) for box in boxes]
            image = next(place.rglob(f"JPEGImages/{name}.jpg")).relative_to(place).as_posix()
            rows.append(
                {"image": image, **{kind: named.count(kind) for kind in ("RBC", "WBC", "Platelets")}, "part": part}
            )
    pl.DataFrame(rows).write_csv(place / "counts.csv")
    return place / "counts.csv"


def task_of(name: str, data: Path, folder: Path) -> Task:
    """Return a data set, read as a study reads it, with its division."""
    if name == "counts":
        source = open_source(write_counts(data, folder))
        kinds = {"image": "image", "part": "id", **dict.fromkeys(("RBC", "WBC", "Platelets"), "number")}
    else:
        source = open_source((write_mnist if name == "mnist" else write_signs)(data, folder))
        kinds = {"image": "image", "label": "category"}
    roles = {"image": "feature"}
    columns = rooted(
        [Column(column, kinds[column], roles.get(column, "target")) for column in source.names], source.root
    )
    table, broken = read_frame(source.collect(), columns, modality)
    assert not broken, broken
    if name == "counts":
        labels = ("RBC", "WBC", "Platelets")
        truth = table.frame.select(pl.concat_list(labels).alias("counts"))["counts"]
        output = Output("counts", find("tasks", "vector")(), labels)
        rows = _rows(table, output, np.array(truth.to_list(), np.float64))
        part = table.frame["part"].to_numpy()
        return Task(
            rows, output, *(np.flatnonzero(part == p) for p in ("train", "val", "test")), "the lists of the data set"
        )
    task = find("tasks", "multiclass")()
    labels = task.labels(table.frame["label"], None)
    output = Output("label", task, labels)
    rows = _rows(table, output, output.code(table.frame["label"]))
    order = np.argsort(row_keys(by_content(table.frame.select("image"), columns)))
    n = len(order)
    said = "sorted by content hash: the last fifth is judged"
    return Task(rows, output, order[: int(0.72 * n)], order[int(0.72 * n) : int(0.8 * n)], order[int(0.8 * n) :], said)


def _rows(table: Table, output: Output, truth: np.ndarray) -> Rows:
    plain = Rows.of(table, (), modality)
    return Rows(plain.columns, plain.cells, (truth,), None, table.n_rows)


def judged(task: Task, learner: str, settings: dict[str, Any], recipe: dict[str, Any], seed: int) -> tuple[str, float]:
    """Fit one learner and return (its score in words, CPU seconds)."""
    part = find("learners", learner)
    known = {key: value for key, value in settings.items() if key in part.__dataclass_fields__}
    candidate = Candidate.of(learner, with_values(part(), known), recipe)
    begun = time.process_time()
    stops = candidate.learner.stops_early
    train = task.rows.take(task.train if stops else np.concatenate([task.train, task.stop]))
    stop = task.rows.take(task.stop) if stops else None
    fitted, _ = fit(candidate, train, stop, (task.output,), modality, Effort(seed=seed, threads=1))
    seconds = time.process_time() - begun
    rows = task.rows.take(task.judged)
    (prediction,) = fitted.predict(rows.cells, len(rows))
    (truth,) = rows.truths
    if task.output.task.family == "classes":
        right = float((prediction.argmax(axis=1) == truth).mean())
        error = (right * (1 - right) / len(truth)) ** 0.5
        return f"accuracy {right:.4f} ± {1.96 * error:.4f}", seconds
    mae = np.abs(prediction - truth).mean(axis=0)
    r2 = 1 - ((prediction - truth) ** 2).mean(axis=0) / truth.var(axis=0)
    return "MAE " + ", ".join(
        f"{name} {m:.2f} (R² {r:.2f})" for name, m, r in zip(task.output.labels, mae, r2)
    ), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FIELDGUIDE_DATA", "../shared/data")))
    parser.add_argument("--only", default="mnist,signs,counts")
    parser.add_argument("--learners", default="")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            task = task_of(name, options.data, Path(folder))
            sizes = f"{len(task.train):,} + {len(task.stop):,} rows to learn and stop on, {len(task.judged):,} judged"
            print(f"\n## {name}: {sizes} ({task.said})", flush=True)
            for learner, settings, recipe in LEARNERS[name]:
                if options.learners and learner not in options.learners.split(","):
                    continue
                for seed in range(options.seeds):
                    said, seconds = judged(task, learner, settings, recipe, seed)
                    print(f"| {name} | {learner} | {said} | {seconds:.0f} CPU s |", flush=True)


if __name__ == "__main__":
    main()
