"""Accuracy beside peers: the same rows, cores and seconds for everyone in one run.

    python -m benchmarks.accuracy [--tasks adult california] [--seeds 3] [--tools ours lightgbm autogluon] [--peer-python PATH]

Each tool runs in a process of its own on two CSV files, writes its predictions, and is timed from start to end. Ours is what a
user types: init, run, finalize, predict, with the seconds as `--minutes` and the test rows as the given test set (`split.test`). A peer that is not installed in `--peer-python` is left
out and said so. Prints a table in Markdown: the metric with the paired 95 % interval of the difference to ours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.datasets import TASKS, Task
from fieldguide.core.score import compare
from fieldguide.parts import find

OURS = """
import sys
from pathlib import Path
import fieldguide as fg
folder, target, seconds, log, ordered, seed = sys.argv[1:7]
study = fg.Study.create(folder + "/train.csv", target=target, out=folder + "/study")
path = Path(folder) / "study" / "study.yaml"
text = path.read_text().replace("seed: 7", f"seed: {seed}")
metric = {"roc_auc": "  metric: roc_auc", "rmse": "  metric: rmse"}[sys.argv[7]]
if log == "True":
    metric, text = "  metric: rmsle", text.replace("  task:", "  transform: log1p\\n  task:", 1)
text = text.replace(next(line for line in text.splitlines() if line.startswith("  # metric")), metric)
path.write_text(text + f"split: {{test: {folder}/test.csv}}\\n")
study = fg.Study(path.parent)
study.run(minutes=float(seconds) / 60)
study.finalize()
model = fg.load_model(folder + "/study/model")
answers = model.predict(folder + "/test.csv")
answers.select(answers.columns[-1]).rename({answers.columns[-1]: "p"}).write_csv(folder + "/ours.csv")
"""

LIGHTGBM = """
import sys, numpy as np, polars as pl, lightgbm as lgb
folder, target, seconds, log = sys.argv[1:5]
train, test = (pl.read_csv(f"{folder}/{n}.csv") for n in ("train", "test"))
levels = {c: sorted(train[c].drop_nulls().unique()) for c in train.columns if train[c].dtype == pl.String and c != target}
def encode(f):
    return np.stack([f[c].replace_strict({l: i for i, l in enumerate(levels[c])}, default=None, return_dtype=pl.Float64).to_numpy() if c in levels else f[c].cast(pl.Float64).to_numpy() for c in train.columns if c != target], axis=1)
names = [c for c in train.columns if c != target]
y = train[target]
classes = y.dtype == pl.String
y = (y == sorted(y.unique())[1]).to_numpy().astype(float) if classes else y.to_numpy().astype(float)
y = np.log1p(y) if log == "True" else y
params = {"objective": "binary" if classes else "regression", "verbosity": -1, "num_threads": int(sys.argv[8])}
booster = lgb.train(params, lgb.Dataset(encode(train), y, categorical_feature=[i for i, c in enumerate(names) if c in levels]), 100)
p = booster.predict(encode(test))
pl.DataFrame({"p": np.expm1(p) if log == "True" else p}).write_csv(folder + "/lightgbm.csv")
"""

AUTOGLUON = """
import sys, numpy as np, pandas as pd
from autogluon.tabular import TabularPredictor
folder, target, seconds, log = sys.argv[1:5]
train, test = (pd.read_csv(f"{folder}/{n}.csv") for n in ("train", "test"))
classes = train[target].dtype.kind not in "fi"
if log == "True":
    train[target] = np.log1p(train[target])
predictor = TabularPredictor(label=target, problem_type="binary" if classes else "regression", eval_metric="roc_auc" if classes else "rmse", path=folder + "/ag", verbosity=0)
predictor.fit(train, time_limit=float(seconds), presets="medium_quality", num_cpus=int(sys.argv[8]), num_gpus=0)
p = predictor.predict_proba(test.drop(columns=[target])).iloc[:, 1] if classes else predictor.predict(test.drop(columns=[target]))
p = np.asarray(p, float)
pd.DataFrame({"p": np.expm1(p) if log == "True" else p}).to_csv(folder + "/autogluon.csv", index=False)
"""

CORES = len(os.sched_getaffinity(0))
"""How many cores everyone gets: what this process may use, so `taskset -c 0` measures on one."""

SCRIPTS = {"ours": OURS, "lightgbm": LIGHTGBM, "autogluon": AUTOGLUON}


def run_tool(tool: str, python: str, task: Task, folder: Path, seed: int) -> dict[str, float] | None:
    """Run one tool in a process of its own; return wall seconds and peak megabytes, or None when it failed."""
    arguments = [
        str(folder),
        task.target,
        str(task.seconds),
        str(task.log),
        str(task.time),
        str(seed),
        task.metric,
        str(CORES),
    ]
    began = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [python, "-c", SCRIPTS[tool], *arguments], stdout=subprocess.DEVNULL, stderr=errors,
            env={**os.environ, "OMP_NUM_THREADS": str(CORES), "RAY_AUTH_MODE": "disabled"},
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)  # the one way to learn the peak memory of this process alone
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip().splitlines()[-1:]
            print(f"  {tool} failed: {last or process.returncode}", file=sys.stderr)
            return None
    return {"seconds": time.monotonic() - began, "megabytes": usage.ru_maxrss / 1024}


def judged(task: Task, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and prediction as the metric reads them."""
    truth = task.test[task.target]
    if task.metric == "roc_auc":
        positive = sorted(truth.unique().to_list())[1]
        return (truth == positive).to_numpy().astype(np.int64), np.stack([1 - prediction, prediction], axis=1)
    values = truth.to_numpy().astype(float)
    return (np.log1p(values), np.log1p(np.maximum(prediction, 0))) if task.log else (values, prediction)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--tools", nargs="*", default=list(SCRIPTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers installed")
    parser.add_argument("--out", type=Path, help="append one JSON line per run")
    options = parser.parse_args()
    lines = [
        "| task | seed | tool | metric | value | difference, ours better > 0 | s | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in options.tasks:
        for seed in range(options.seeds):
            task = TASKS[name](seed)
            if options.seconds:
                task = Task(**{**task.__dict__, "seconds": options.seconds})
            lines += run_task(task, seed, options)
    print("\n".join(lines))


def run_task(task: Task, seed: int, options: argparse.Namespace) -> list[str]:
    metric = find("metrics", task.metric)()
    found: dict[str, np.ndarray] = {}
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        task.train.write_csv(folder / "train.csv")
        task.test.write_csv(folder / "test.csv")
        for tool in options.tools:
            python = sys.executable if tool in ("ours", "lightgbm") else options.peer_python
            cost = run_tool(tool, python, task, folder, seed)
            if cost is None:
                continue
            truth, prediction = judged(task, pl.read_csv(folder / f"{tool}.csv")["p"].to_numpy().astype(float))
            found[tool] = prediction
            value = metric.score(truth, prediction)
            against = ""
            if tool != "ours" and "ours" in found:
                gap = compare(metric, truth, found["ours"], prediction, np.arange(len(truth)), seed=seed)
                against = f"{gap.value:+.5f} [{gap.interval[0]:+.5f}, {gap.interval[1]:+.5f}]"
            rows.append(
                f"| {task.name} | {seed} | {tool} | {task.metric} | {value:.5f} | {against} | {cost['seconds']:.1f} | {cost['megabytes']:.0f} |"
            )
            print(rows[-1], file=sys.stderr, flush=True)
            if options.out:
                with options.out.open("a") as file:
                    file.write(
                        json.dumps({"task": task.name, "seed": seed, "tool": tool, "value": value, **cost}) + "\n"
                    )
    return rows


if __name__ == "__main__":
    main()
