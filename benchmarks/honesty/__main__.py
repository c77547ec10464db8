"""Does the reported number hold? Planted faults, fresh rows from the world after deployment, any tool.

    python -m benchmarks.honesty [--faults exact_duplicates …] [--tools ours lightgbm autogluon flaml] [--seeds 1]
        [--minutes 0.5] [--jobs 1] [--out runs.jsonl] [--peer-python PATH]

`--faults` takes names, or `synthetic`, `real`, `clean`, `all` (default). Ours is what a newcomer types: init, run, finalize, predict,
nothing declared but the metric, so that everyone is judged alike. Prints tables in Markdown; `--out` keeps a JSON line per run, and
`--read runs.jsonl` prints the tables of such a file again (named by the codes of today).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.honesty.faults import CLEAN, FAULTS, REAL, SYNTHETIC
from benchmarks.honesty.judge import judged, naming
from benchmarks.honesty.table import tables
from benchmarks.honesty.tools import PROGRAMS, run_tool
from benchmarks.honesty.world import Fault

EVERY = {**FAULTS, **CLEAN}
SETS = {"all": EVERY, "synthetic": SYNTHETIC, "real": REAL, "clean": CLEAN}


def chosen(names: list[str]) -> list[Fault]:
    """Return faults by name or by set, each once.

    Raises:
        SystemExit: there is no such fault.
    """
    unknown = [name for name in names if name not in SETS and name not in EVERY]
    if unknown:
        raise SystemExit(f"there are no faults {', '.join(unknown)}; there are {', '.join([*SETS, *EVERY])}")
    wanted = {name: fault for given in names for name, fault in SETS.get(given, {given: EVERY.get(given)}).items()}
    return [fault for fault in wanted.values() if fault is not None]


def run_one(fault: Fault, seed: int, tools: list[str], python: str, minutes: float) -> list[dict[str, Any]]:
    """Make a world, hand it to every tool, and judge what each said."""
    try:
        world = fault.make(seed)
    except FileNotFoundError as error:
        print(f"{fault.name}: left out: {error}", file=sys.stderr)
        return []
    rows = []
    for tool in tools:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            world.train.write_csv(folder / "train.csv")
            world.fresh.write_csv(folder / "fresh.csv")
            if world.test is not None:
                world.test.write_csv(folder / "test.csv")
            began = time.monotonic()
            said = run_tool(tool, python, folder, world.target, world.metric, minutes, seed)
            said["seconds"] = round(time.monotonic() - began, 1)
            answers = folder / f"{tool}.csv"
            row = {"fault": fault.name, "seed": seed, "tool": tool, **judged(fault, world, said, answers, seed), **said}
            rows.append(row)
            print(_line(row), file=sys.stderr, flush=True)
    return rows


def _line(row: dict[str, Any]) -> str:
    shown = {k: row[k] for k in ("reported", "interval", "true", "inside", "named", "seconds")}
    return f"{row['fault']} {row['seed']} {row['tool']}: {shown}" + (
        f" FAILED {row['failed'][-200:]}" if row["failed"] else ""
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", nargs="*", default=["all"])
    parser.add_argument("--tools", nargs="*", default=["ours"], choices=list(PROGRAMS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0.5, help="budget of every tool on every file [min]")
    parser.add_argument("--jobs", type=int, default=1, help="faults at a time; leave at 1 where seconds matter")
    parser.add_argument("--out", type=Path, help="append one JSON line per run")
    parser.add_argument("--read", type=Path, help="print the tables of runs kept by --out, run nothing")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers installed")
    options = parser.parse_args()
    if options.read:
        runs = [json.loads(line) for line in options.read.read_text().splitlines()]
        known = [run for run in runs if run["fault"] in EVERY]
        print(tables([{**run, **naming(EVERY[run["fault"]], run["findings"])} for run in known]))
        return
    runs = []
    with ThreadPoolExecutor(options.jobs) as pool:
        jobs = [
            pool.submit(run_one, fault, seed, options.tools, options.peer_python, options.minutes)
            for fault in chosen(options.faults) for seed in range(options.seeds)
        ]  # fmt: skip
        for job in jobs:
            rows = job.result()
            runs += rows
            if options.out:
                with options.out.open("a") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
    print(tables(runs))


if __name__ == "__main__":
    main()
