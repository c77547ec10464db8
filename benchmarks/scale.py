"""Time and peak memory of a study as its table grows: init, the short run, a run, finalize, each in a process of its own.

The table is made by seed: 12 columns (7 numbers, one with missing cells; 3 categories of 8, 60 and 2,000 levels; a date; the target), a tenth
of a gigabyte a million rows as CSV. Every step is a command as a user would type it; its peak is the resident memory of its
process (`ru_maxrss`), Python and its libraries included. The budget of the run is small: what grows with the rows is
looked at, not what a search does with its time.

    python -m benchmarks.scale --rows 1000000 3000000
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from fieldguide.core.files.sink import write_frames

BLOCK = 250_000  # rows made at a time
LEVELS = (8, 60, 2_000)
DAYS = 1_095
CLI = "from fieldguide.faces.cli import main; main()"


def blocks(n_rows: int, seed: int = 0) -> Iterator[pl.DataFrame]:
    """Yield the table in blocks; a block depends on the seed and its number only."""
    fixed = np.random.default_rng((seed, 0))
    worth = [fixed.normal(0.0, 0.6, n) for n in LEVELS]
    for number in range(0, n_rows, BLOCK):
        rng = np.random.default_rng((seed, 1, number))
        n = min(BLOCK, n_rows - number)
        x = rng.normal(size=(n, 7))
        x[:, 1] = np.exp(x[:, 1])
        x[:, 2] = np.round(40.0 + 12.0 * x[:, 2])
        codes = [np.minimum(rng.geometric(2.0 / k, n) - 1, k - 1) for k in LEVELS]
        days = rng.integers(0, DAYS, n)
        score = (
            0.9 * x[:, 0] * (x[:, 3] > 0) + 0.5 * np.log(x[:, 1]) - 0.04 * (x[:, 2] - 40.0) + 0.4 * np.sin(2 * x[:, 4])
            + 0.3 * (days / DAYS) + sum(w[c] for w, c in zip(worth, codes, strict=True)) - 0.8
        )  # fmt: skip
        yes = rng.random(n) < 1.0 / (1.0 + np.exp(-score))
        gone = rng.random(n) < 0.05
        names = ("balance", "income", "age", "trend", "rhythm", "noise", "distance")
        columns = {name: np.round(x[:, k], 4) for k, name in enumerate(names)}
        frame = pl.DataFrame(columns | {
            "region": pl.Series(codes[0]).cast(pl.String) + "R", "branch": pl.Series(codes[1]).cast(pl.String) + "B",
            "product": pl.Series(codes[2]).cast(pl.String) + "P",
            "joined": pl.Series(np.datetime64("2021-01-01") + days.astype("timedelta64[D]")).cast(pl.Date),
            "bought": pl.Series(np.where(yes, "yes", "no")),
        })  # fmt: skip
        yield frame.with_columns(pl.when(pl.Series(gone)).then(None).otherwise(pl.col("noise")).alias("noise"))


def measured(command: Sequence[str]) -> tuple[float, float]:
    """Run a command to its end and return its seconds and its peak resident memory [MB]."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}\n{told.read().decode()[-2000:]}")
    return time.monotonic() - began, used.ru_maxrss * 1024 / 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the tables, run the steps, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 3_000_000])
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--minutes", type=float, default=3.0, help="of the run that is finalized")
    parser.add_argument("--trials", type=int, default=0)
    parser.add_argument("--use", nargs="*", default=[], help="learners that take part; none: all")
    parser.add_argument("--fast", action="store_true", help="also time the short run")
    parser.add_argument("--folder", type=Path, help="where tables are kept between runs; none: a temporary folder")
    said = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        kept = said.folder or Path(temporary)
        print(f"| rows | {said.format} [MB] | step | seconds | peak [MB] |\n|---|---|---|---|---|", flush=True)
        for n_rows in said.rows:
            table = kept / f"rows_{n_rows}.{said.format}"
            if not table.exists():
                write_frames(blocks(n_rows), table)
            study, cli = Path(temporary) / f"study_{n_rows}", [sys.executable, "-c", CLI]
            steps = [("init", ["init", str(table), "--target", "bought", "--out", str(study)])]
            steps += [("run --fast", ["run", str(study), "--fast"])] if said.fast else []
            steps += [("run", ["run", str(study), "--minutes", str(said.minutes), "--trials", str(said.trials)])]
            steps += [("finalize", ["finalize", str(study)])]
            for name, command in steps:
                seconds, peak = measured([*cli, *command])
                if name == "init" and said.use:
                    with (study / "study.yaml").open("a") as config:
                        config.write(f"\nlearners:\n  use: [{', '.join(said.use)}]\n")
                size = table.stat().st_size / 1e6
                print(f"| {n_rows:,} | {size:,.0f} | {name} | {seconds:,.0f} | {peak:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
