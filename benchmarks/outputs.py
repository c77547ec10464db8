"""Label sets and vectors on published tables: whole studies of ours beside a random forest, on the same rows in one run.

    python -m benchmarks.outputs [--tasks emotions yeast enb …] [--folds 10] [--first 10] [--minutes 0.7] [--cores 1]

Label sets: Emotions and Yeast, their official train and test rows; Hamming loss, micro and macro F1 of the decided sets. Vectors:
six tables of Mulan's collection, `--folds`-fold cross-validation of which the `--first` are run; aRRMSE as published, each
entry's error beside that of the mean of the training rows, averaged over entries and folds. Ours is what a user types: init,
run, finalize, predict, with the test rows as the given test set and `--minutes` as the whole budget of run and finalize; nothing
is chosen by test rows. The forest is scikit-learn's with 300 trees and its own defaults, probabilities cut at 0.5.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.datasets import data_folder

SETS = {"emotions": 6, "yeast": 14}
VECTORS = {"enb": 2, "jura": 3, "atp1d": 6, "scpf": 3, "slump": 3, "edm": 2}
PUBLISHED = {
    "emotions": .189, "yeast": .197, "enb": .117, "jura": .589, "atp1d": .374, "scpf": .837, "slump": .688, "edm": .742,
}  # fmt: skip
"""Hamming loss of the forest of predictive clustering trees (Madjarov et al. 2012), and aRRMSE of one model an entry
(Spyromitros-Xioufis et al. 2016)."""


@dataclass(frozen=True)
class Split:
    """Rows to learn from and rows to answer, with the columns that are predicted."""

    train: pl.DataFrame
    test: pl.DataFrame
    targets: tuple[str, ...]


def read_arff(text: str) -> pl.DataFrame:
    """Return a dense ARFF table; `?` is missing.

    Examples:
        >>> read_arff("@attribute 'a b' numeric\\n@attribute y {0,1}\\n@data\\n1.5,0\\n?,1").rows()
        [(1.5, 0.0), (None, 1.0)]
    """
    names, data = [], []
    for line in map(str.strip, text.splitlines()):
        word = line.lower()
        if word.startswith("@attribute"):
            rest = line.split(None, 1)[1]
            names.append(rest[1 : rest.index("'", 1)] if rest[0] == "'" else rest.split()[0])
        elif line and line[0] not in "@%":
            data.append(line)
    frame = pl.read_csv(
        io.StringIO("\n".join(data)), has_header=False, new_columns=names, null_values="?", infer_schema=False
    )
    return frame.with_columns(pl.all().str.strip_chars().cast(pl.Float64))


def splits(name: str, folds: int) -> Iterator[Split]:
    """Yield the official split of a label set, or the folds of a vector table, dealt once by a fixed seed."""
    if name in SETS:
        with zipfile.ZipFile(data_folder() / f"multilabel_{name}" / f"{name}.zip") as archive:
            train, test = (read_arff(archive.read(f"{name}-{part}.arff").decode()) for part in ("train", "test"))
        targets = tuple(train.columns[-SETS[name] :])
        whole = pl.col(targets).cast(pl.Int64)
        yield Split(train.with_columns(whole), test.with_columns(whole), targets)
        return
    with zipfile.ZipFile(data_folder() / "mulan_mtr" / "mtr.zip") as archive:
        frame = read_arff(archive.read(f"{name}.arff").decode())
    of_row = np.random.default_rng(0).permutation(frame.height) % folds
    for fold in range(folds):
        held = pl.Series(of_row == fold)
        yield Split(frame.filter(~held), frame.filter(held), tuple(frame.columns[-VECTORS[name] :]))


def ours(split: Split, task: str, minutes: float) -> tuple[np.ndarray, np.ndarray, str]:
    """Return decisions or values of a whole study for the test rows, the probabilities, and the name of what was chosen."""
    import fieldguide as fg

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        split.train.write_csv(folder / "train.csv")
        split.test.write_csv(folder / "test.csv")
        metric: dict[str, Any] = {"metric": "hamming_loss"} if task == "multilabel" else {}
        study = fg.Study.create(folder / "train.csv", target=split.targets, out=folder / "study", task=task, **metric)
        path = folder / "study" / "study.yaml"
        path.write_text(path.read_text() + f"split: {{test: {folder}/test.csv}}\n")
        study = fg.Study(path.parent)
        study.run(minutes=minutes)
        chosen = study.finalize()
        answers = fg.load_model(folder / "study" / "model").predict(folder / "test.csv")
    if task == "vector":
        values = answers.select(f"prediction_{name}" for name in split.targets).to_numpy()
        return values, values, str(chosen["chosen"])
    decided = np.array([[name in labels for name in split.targets] for labels in answers["prediction"].to_list()])
    probability = answers.select(f"probability_{name}" for name in split.targets).to_numpy()
    return decided.astype(np.int64), probability, str(chosen["chosen"])


def forest(split: Split, task: str, cores: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Return the same of a random forest; missing cells are filled with the median of the training rows."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if task == "multilabel" else RandomForestRegressor
    features = [name for name in split.train.columns if name not in split.targets]
    middle = split.train.select(pl.col(features).median())
    x, x_test = (
        frame.select([pl.col(name).fill_null(middle[name][0]).fill_null(0.0) for name in features]).to_numpy()
        for frame in (split.train, split.test)
    )
    model = kind(300, random_state=0, n_jobs=cores).fit(x, split.train.select(split.targets).to_numpy())
    if task == "vector":
        values = model.predict(x_test)
        return values, values, "forest"
    probability = np.stack([p[:, 1] if p.shape[1] == 2 else 0.0 * p[:, 0] for p in model.predict_proba(x_test)], axis=1)
    return (probability >= 0.5).astype(np.int64), probability, "forest"


def relative_errors(split: Split, values: np.ndarray) -> float:
    """Return the aRRMSE as published: the mean of the training rows is what an entry is compared with."""
    truth = split.test.select(split.targets).to_numpy()
    mean = split.train.select(split.targets).to_numpy().mean(axis=0)
    return float(np.sqrt(((truth - values) ** 2).sum(0) / ((truth - mean) ** 2).sum(0)).mean())


def label_scores(split: Split, decided: np.ndarray, probability: np.ndarray) -> list[float]:
    """Return Hamming loss, micro and macro F1, and Hamming loss with every label cut at 0.5."""
    from fieldguide.parts import find

    truth = split.test.select(split.targets).to_numpy()
    found = [float(find("metrics", name)().score(truth, decided)) for name in ("hamming_loss", "f1_micro", "f1_macro")]
    return [*found, float((truth != (probability >= 0.5)).mean())]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", nargs="+", default=[*SETS, *VECTORS], choices=[*SETS, *VECTORS])
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--first", type=int, default=10, help="folds that are run")
    parser.add_argument("--minutes", type=float, default=0.7, help="of run and finalize together, a fold")
    parser.add_argument("--cores", type=int, default=1)
    said = parser.parse_args(argv)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: said.cores]))
    print(
        "| table | judged by | ours | forest | published | chosen | ours, seconds a fit of all |\n|---|---|---|---|---|---|---|"
    )
    for name in said.tasks:
        task = "multilabel" if name in SETS else "vector"
        folds = [split for i, split in enumerate(splits(name, said.folds)) if i < said.first]
        began = time.monotonic()
        mine = [ours(split, task, said.minutes) for split in folds]
        seconds = (time.monotonic() - began) / len(folds)
        theirs = [forest(split, task, said.cores) for split in folds]
        chosen = ", ".join(sorted({words for _, _, words in mine}))
        if task == "vector":
            pairs = [
                (relative_errors(split, a[0]), relative_errors(split, b[0])) for split, a, b in zip(folds, mine, theirs)
            ]
            us, them = np.mean(pairs, axis=0)
            judge = f"aRRMSE, {len(folds)} of {said.folds} folds"
            print(
                f"| {name} | {judge} | {us:.3f} | {them:.3f} | {PUBLISHED[name]:.3f} | {chosen} | {seconds:.0f} |",
                flush=True,
            )
            continue
        scores = [label_scores(folds[0], *found[0][:2]) for found in (mine, theirs)]
        for judge, us, them in zip(("Hamming loss", "micro F1", "macro F1", "Hamming loss at 0.5"), *scores):
            said_there = f"{PUBLISHED[name]:.3f}" if judge == "Hamming loss" else "–"
            print(f"| {name} | {judge} | {us:.4f} | {them:.4f} | {said_there} | {chosen} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
