"""All benchmarks in one run: `python -m benchmarks` (`make bench`), or `python -m benchmarks --long`. Each also runs alone, with options.

The short form takes about an hour on two cores and shows that every table can be made; the long form makes the tables as they stand in README.md, with
every peer that is installed, and takes a day. Both begin with a description of the machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SHORT = (
    ("coverage", "--sizes 200 --samples 300"),
    ("refit_coverage", "--replicates 30"),
    ("epoch", "--rows 10000"),
    ("latency", ""),
    ("waits", ""),
    ("threads", ""),
    ("join", "--events 1000000 --runs 1"),
    ("honesty", "--faults clean_loans exact_duplicates post_outcome_value --tools ours lightgbm --minutes 0.3"),
    ("experiments", "--experiments 300"),
    ("curves", "--only ItalyPowerDemand --seeds 1"),
    ("texts", "--only sms --tools linear,fusion"),
    ("pricing", ""),
    ("kills", "--points 10"),
    ("accuracy", "--tasks adult california concrete --seeds 1 --tools ours lightgbm"),
)
LONG = (
    ("coverage", "--sizes 200 1000"),
    ("coverage", "--sizes 5000 --samples 1000"),
    ("coverage", "--along-time --samples 100 --resamples 200"),
    ("refit_coverage", "--replicates 100"),
    ("epoch", "--rows 10000"),
    ("latency", ""),
    ("waits", ""),
    ("threads", ""),
    ("join", "--events 10000000"),
    ("honesty", "--tools ours lightgbm autogluon flaml {peers}"),
    ("label_errors", ""),
    ("experiments", ""),
    ("serve", "--long 10"),
    ("curves", ""),
    ("texts", "--only sms,trec,sst2,news,emotions --seeds 3"),
    ("texts", "--only sst2 --tools finetune"),
    ("images", ""),
    ("transfer_images", ""),
    ("media_memory", ""),
    ("throughput_media", ""),
    ("mixed", "--minutes 12"),
    ("forecast", "--horizons 96 192 336"),
    ("forecast", "--networks --minutes 14"),
    ("outputs", "--tasks emotions --minutes 4"),
    ("outputs", "--tasks yeast --minutes 7"),
    ("outputs", "--tasks edm slump enb jura scpf --minutes 0.55"),
    ("outputs", "--tasks atp1d --minutes 1.5"),
    ("optimisers", "--epochs 5 --seeds 3"),
    ("word2vec", ""),
    ("pricing", ""),
    ("kills", "--points 100"),
    ("mutants", "core --sample 5"),
    ("scale", "--rows 1000000 3000000 10000000 --minutes 20 --use linear boosting mlp"),
    ("accuracy", "--tasks adult california bike bank --seeds 3 {peers}"),
    ("accuracy", "--tasks concrete energy kin8nm power-plant wine-quality-red --seeds 5 {peers}"),
    ("accuracy", "--tasks many_rows --seeds 1 --tools ours lightgbm"),
)
PEERS = (
    "numpy",
    "polars",
    "torch",
    "lightgbm",
    "scikit-learn",
    "duckdb",
    "onnxruntime",
    "gensim",
    "autogluon.tabular",
    "flaml",
)


def machine() -> str:
    """Return what the figures were made on: processor, cores, memory, versions."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else 0.0
    found = []
    for package in PEERS:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}{load}; Python {platform.python_version()}, {', '.join(found)}"
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="make every table of README.md, with all seeds and peers")
    parser.add_argument("--peer-python", default="", help="interpreter in which AutoGluon and FLAML are installed")
    said = parser.parse_args()
    print(f"{machine()}\n", flush=True)
    peers = f"--peer-python {said.peer_python}" if said.peer_python else ""
    failed = []
    for name, options in LONG if said.long else SHORT:
        arguments = options.format(peers=peers).split()
        print(f"\n## {name}\n\n    python -m benchmarks.{name} {' '.join(arguments)}\n", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments]).returncode:
            failed.append(name)  # the others are run all the same: a day's run does not end with one missing file
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
