"""A served model under load on loopback: latency, rows per second, memory, with every answer logged.

    python -m benchmarks.serve                       # half a minute of load, after a model of adult was made
    python -m benchmarks.serve --model FOLDER        # a model folder that answers adult's columns
    python -m benchmarks.serve --model FOLDER --long 10   # ten minutes of load, for memory

One worker on core 0, the load (wrk, which must be installed) on core 1. wrk keeps a fixed number of connections busy, so
its latencies are those of a server that always has that many requests waiting.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from benchmarks.datasets import adult

CONNECTIONS = (1, 4, 16)
BATCH = 10_000
ARROW = "application/vnd.apache.arrow.file"
SCRIPT = """
local bodies, i = {{}}, 0
for line in io.lines("{bodies}") do bodies[#bodies + 1] = line end
request = function()
  i = i % #bodies + 1
  return wrk.format("POST", "/predict", {{["Content-Type"] = "application/json"}}, bodies[i])
end
"""


def packaged(folder: Path) -> Path:
    """Make a small network of adult, as a user would package one."""
    from fieldguide.workflow import Study

    task = adult(0)
    task.train.write_csv(folder / "adult.csv")
    study = Study.create(folder / "adult.csv", target="income", out=folder / "study")
    settings = study.folder / "study.yaml"
    text = settings.read_text().replace(
        "budget: {trials: 30, minutes: 10}", "budget: {trials: 1, minutes: }\nthreads: 1"
    )
    learners = "learners: {skip: [tabm, neighbours, rule], settings: {mlp: {n_epochs: 3, d_hidden: 128}}}\n"
    settings.write_text(text + learners)
    study = Study(study.folder)
    study.train()
    study.package("mlp", folder / "mlp")
    return folder / "mlp"


@contextmanager
def served(model: Path, log: str) -> Iterator[tuple[str, int]]:
    """Serve a model on core 0; yield its address and process id."""
    command = [sys.executable, "-m", "fieldguide.faces.cli", "serve", str(model), "--port", "0", "--log", log, "--json"]
    code = "import sys; sys.argv = ['fieldguide', *sys.argv[1:]]; from fieldguide.faces.cli import main; main()"
    command = [sys.executable, "-c", code, *command[3:]]
    pinned = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    began = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*pinned, *command], stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        try:
            said = json.loads(server.stdout.readline())
            print(f"Started in {time.perf_counter() - began:.2f} s (wall)")
            yield said["address"], server.pid
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)


def memory(pid: int) -> float:
    """Return the resident memory of a process [MB]."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", text)
    return int(found[1]) / 1024 if found else float("nan")


def busy(pid: int) -> float:
    """Return the processor seconds a process has used: what it costs, whoever else wants the core."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def loaded(address: str, script: Path, connections: int, seconds: float) -> dict[str, float]:
    """Return what wrk found: requests per second, p50 and p99 [ms], and answers that were not 2xx."""
    pinned = ["taskset", "-c", "1"] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    command = ["wrk", "-t1", f"-c{connections}", f"-d{int(seconds)}s", "--latency", "-s", str(script), address]
    text = subprocess.run([*pinned, *command], capture_output=True, text=True, check=True).stdout

    def milliseconds(name: str) -> float:
        found = re.search(rf"{name}%\s+([\d.]+)(us|ms|s)", text)
        return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]] if found else float("nan")

    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "rows": float(rate[1]) if rate else float("nan"), "p50": milliseconds("50"), "p99": milliseconds("99"),
        "wrong": float(wrong[1]) if wrong else 0.0,
    }  # fmt: skip


def batches(address: str, rows: pl.DataFrame, seconds: float) -> float:
    """Return rows per second of batches of 10,000, one after the other, from this process."""
    buffer = io.BytesIO()
    rows.write_ipc(buffer)
    request = urllib.request.Request(f"{address}/predict", buffer.getvalue(), {"Content-Type": ARROW})
    n, began = 0, 0.0
    for number in range(10_000):
        if number == 1:  # the first one opens what batches need
            began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as response:
            n += BATCH * (number > 0)
            assert len(response.read()) > BATCH
        if number and time.perf_counter() - began > seconds:
            break
    return n / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--long", type=int, default=0, metavar="MINUTES", help="minutes of load after that, for memory")
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed (Debian: wrk)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = options.model or packaged(folder)
        rows = adult(0).test.with_columns(
            pl.col(c).cast(pl.Float64) for c in ("age", "fnlwgt", "education_num", "capital_gain")
        )
        rows = rows.with_columns(pl.col(c).cast(pl.Float64) for c in ("capital_loss", "hours_per_week")).drop("income")
        bodies = folder / "bodies.txt"
        lines = [json.dumps({"rows": [row], "unit": f"u{i}"}) for i, row in enumerate(rows.head(1000).to_dicts())]
        bodies.write_text("\n".join(lines))
        script = folder / "post.lua"
        script.write_text(SCRIPT.format(bodies=bodies))
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        with served(model, f"sqlite:///{folder}/log.db") as (address, pid):
            loaded(address, script, 4, 2)
            print(
                "| connections | rows/s | p50 ms | p99 ms | not 2xx | processor µs a row |\n|---|---|---|---|---|---|"
            )
            for connections in CONNECTIONS:
                before = busy(pid)
                found = loaded(address, script, connections, options.seconds)
                cost = 1e6 * (busy(pid) - before) / (found["rows"] * options.seconds)
                print(
                    f"| {connections} | {found['rows']:,.0f} | {found['p50']:.2f} | {found['p99']:.2f} | {found['wrong']:.0f} "
                    f"| {cost:.0f} |"
                )
            before, began = busy(pid), time.perf_counter()
            rate = batches(address, rows.head(BATCH), options.seconds)
            cost = 1e6 * (busy(pid) - before) / (rate * (time.perf_counter() - began))
            print(f"Batches of {BATCH:,} Arrow rows: {rate:,.0f} rows/s, {cost:.1f} processor µs a row")
            print(f"Memory after that: {memory(pid):.0f} MB")
            if options.long:
                for minute in range(options.long):
                    found = loaded(address, script, 4, 60)
                    print(
                        f"minute {minute + 1}: {found['rows']:,.0f} rows/s, p99 {found['p99']:.2f} ms, {memory(pid):.0f} MB",
                        flush=True,
                    )
        size = (folder / "log.db").stat().st_size / 1e6
        from fieldguide.parts.stores import open_log

        store = open_log(f"sqlite:///{folder}/log.db", create=False)
        print(f"The log holds {store.counts()['predictions']:,} predictions in {size:,.0f} MB")
        store.close()


if __name__ == "__main__":
    main()
