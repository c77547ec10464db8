"""The five longest waits of a user on adult, beside earlier trees of the same code: start-up, init, run --fast, run, predict.

    python -m benchmarks.waits [--beside NAME=TREE ...] [--repeats 5] [--only init predict]

Every wait is a command as a user types it, in a process of its own, and trees take turns. Seconds of the processor and of the
wall are medians of the repeats. `run` has one trial and no clock (5,000 rows, without TabM), so that a faster tree does not simply try more.
A tree is a folder that holds `src/fieldguide`, such as a worktree of an earlier commit; this tree is always one of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets import adult

HERE = Path(__file__).resolve().parents[1]
CLI = [sys.executable, "-c", "from fieldguide.faces.cli import main; main()"]
WAITS = ("start-up", "init", "run --fast", "run", "predict")
SMALL = 5_000  # rows of the run, so that repeats are paid for
PLAIN = "budget: {trials: 1, minutes: }\nthreads: 1\nlearners: {skip: [tabm]}\n"


def timed(tree: Path, arguments: Sequence[str]) -> tuple[float, float]:
    """Run a command of a tree; return its seconds of processor and of wall.

    Raises:
        SystemExit: the command failed.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*CLI, *arguments],
        env=environment | {"PYTHONPATH": str(tree / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode} in {tree}\n{done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def prepared(tree: Path, folder: Path) -> None:
    """Make what the waits of one tree begin from: studies that are made and not run, and a model."""
    task = adult(0)
    folder.mkdir()
    task.train.write_csv(folder / "adult.csv")
    task.train.head(SMALL).write_csv(folder / "small.csv")
    task.test.write_csv(folder / "new.csv")
    for table, study in (("adult.csv", "whole"), ("small.csv", "small")):
        timed(tree, ["init", str(folder / table), "--target", "income", "--out", str(folder / study)])
    settings = folder / "small" / "study.yaml"
    settings.write_text(settings.read_text().replace("budget: {trials: 30, minutes: 10}\n", PLAIN))
    timed(tree, ["baseline", str(folder / "small")])
    timed(tree, ["package", str(folder / "small"), "boosting", "-o", str(folder / "model")])
    shutil.rmtree(folder / "small")
    timed(tree, ["init", str(folder / "small.csv"), "--target", "income", "--out", str(folder / "small")])
    settings.write_text(settings.read_text().replace("budget: {trials: 30, minutes: 10}\n", PLAIN))


def waited(tree: Path, folder: Path, wait: str) -> tuple[float, float]:
    """Return the seconds of one wait, processor and wall; what it writes is removed."""
    out = folder / "out"
    if wait == "start-up":
        return timed(tree, ["--help"])
    if wait == "init":
        found = timed(tree, ["init", str(folder / "adult.csv"), "--target", "income", "--out", str(out)])
    elif wait == "predict":
        return timed(tree, ["predict", str(folder / "model"), str(folder / "new.csv"), "-o", str(folder / "out.csv")])
    else:
        shutil.copytree(folder / ("whole" if wait == "run --fast" else "small"), out)
        found = timed(tree, ["run", str(out), *(["--fast"] if wait == "run --fast" else [])])
    shutil.rmtree(out)
    return found


def main() -> None:
    """Time every wait in every tree and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", action="append", default=[], metavar="NAME=TREE", help="an earlier tree")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=WAITS, default=WAITS)
    said = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    trees = dict(one.split("=", 1) for one in said.beside) | {"now": str(HERE)}
    with tempfile.TemporaryDirectory() as temporary:
        folders = {name: Path(temporary) / f"tree{k}" for k, name in enumerate(trees)}
        for name, tree in trees.items():
            prepared(Path(tree), folders[name])
        print(
            f"| wait | {' | '.join(f'{name}: CPU s, wall s' for name in trees)} |\n|---|{'---|' * len(trees)}",
            flush=True,
        )
        for wait in said.only:
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in trees}
            for _ in range(said.repeats):
                for name, tree in trees.items():
                    found[name].append(waited(Path(tree), folders[name], wait))
            cells = [f"{statistics.median(cpu for cpu, _ in times):.2f}, {statistics.median(wall for _, wall in times):.2f}" for times in found.values()]  # fmt: skip
            print(f"| {wait} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
