"""Peak memory of reading, splitting and training on 1, 4 and 16 times as many image files.

    taskset -c 0 python -m benchmarks.media_memory [--files 500] [--times 1,4,16] [--side 640]

Each size runs in a process of its own: a folder of JPEG files is opened, read as a study reads it, searched for copies, and a
small network is trained for one epoch with its pixels decoded a batch at a time. `files` is what lies on disk, `decoded` what
all pixels would take at once. What may grow with the files is a path and a few facts each; pixels are kept up to a stated
size (`parts.modalities._decoded.MEGABYTES`), which `--cache` makes small here, so that growth would be seen.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def write_files(folder: Path, n: int, side: int) -> int:
    """Write JPEG files of smooth noise in two folders of classes; return their bytes."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(n):
        place = folder / ("light" if i % 2 else "dark")
        place.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 160, (9, 9, 3), np.uint8) + np.uint8(90 * (i % 2))
        Image.fromarray(coarse).resize((side, side), 3).save(place / f"{i:06}.jpg", quality=85)
    return sum(path.stat().st_size for path in folder.rglob("*.jpg"))


def measured(folder: Path, pixels: int, cache: int) -> dict[str, float]:
    """Read, split and train on a folder in this process; return peak memory [MB] before and after, and CPU seconds."""
    import torch

    from fieldguide.core.candidate import Candidate, fit
    from fieldguide.core.contracts import Effort
    from fieldguide.core.files.media import by_content, rooted
    from fieldguide.core.files.source import open_source
    from fieldguide.core.problem import Output
    from fieldguide.core.reading import read_frame
    from fieldguide.core.rows import Rows
    from fieldguide.core.table import Column, row_keys
    from fieldguide.parts import find, modality
    from fieldguide.parts.learners import _training  # noqa: F401  what is loaded is no part of the growth
    from fieldguide.parts.modalities import _pictures

    torch.set_num_threads(1)
    _pictures.DECODED.limit = cache * 2**20
    started, begun = peak(), time.process_time()
    source = open_source(folder)
    columns = rooted([Column("image", "image"), Column("label", "category", "target")], source.root)
    table, _ = read_frame(source.collect(), columns, modality)
    row_keys(by_content(table.frame, columns))
    modality("image").near(table.frame["image"])
    read = peak()
    task = find("tasks", "binary")()
    output = Output("label", task, task.labels(table.frame["label"], None))
    rows = Rows.of(table, (output,), modality)
    learner = find("learners", "fusion")(n_epochs=1, d_embedding=32, d_hidden=32, batch_size=32)
    fit(
        Candidate.of("fusion", learner, {"pixels": pixels}),
        rows,
        None,
        (output,),
        modality,
        Effort(threads=1, n_steps=len(rows) // 32),
    )
    return {"before": started, "read": read, "trained": peak(), "cpu": time.process_time() - begun}


def peak() -> float:
    """Return the most memory this process has had [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--times", default="1,4,16")
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--pixels", type=int, default=96)
    parser.add_argument("--cache", type=int, default=8, help="decoded pixels kept [MB]")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measured(options.measure, options.pixels, options.cache)))
        return
    print(
        "| files | on disk | decoded | peak after imports | after reading and search for copies | after training | CPU s |",
        flush=True,
    )
    for times in map(int, options.times.split(",")):
        n = options.files * times
        with tempfile.TemporaryDirectory() as folder:
            size = write_files(Path(folder), n, options.side)
            more = ["--pixels", str(options.pixels), "--cache", str(options.cache), "--measure", folder]
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.media_memory", *more], check=True, capture_output=True, text=True
            )
            found = json.loads(done.stdout.splitlines()[-1])
        decoded = n * 3 * options.pixels**2 * 4 / 2**20
        print(
            f"| {n:,} | {size / 2**20:,.0f} MB | {decoded:,.0f} MB | {found['before']:.0f} MB | {found['read']:.0f} MB | "
            f"{found['trained']:.0f} MB | {found['cpu']:.0f} |", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
