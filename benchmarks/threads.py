"""Threads that wait, spinning or asleep: a LightGBM fit with one and two threads, alone and beside busy processes.

    python -m benchmarks.threads [--busy 2] [--rounds 10] [--repeats 3]

Every fit runs in a process of its own, because OpenMP reads its policy once, when it is loaded: `spin` is what it does unasked, `sleep` what
fieldguide asks for (`OMP_WAIT_POLICY=PASSIVE`). Prints wall seconds, medians, in Markdown. One thread waits for nobody.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

POLICIES: dict[str, dict[str, str]] = {"spin": {}, "sleep": {"OMP_WAIT_POLICY": "PASSIVE"}}
FIT = """
import sys, time
import lightgbm, numpy
rows, threads, rounds = map(int, sys.argv[1:])
rng = numpy.random.default_rng(0)
x = rng.normal(size=(rows, 20))
said = {"objective": "binary", "verbosity": -1, "num_threads": threads, "force_col_wise": True, "deterministic": True}
data = lightgbm.Dataset(x, x[:, 0] + rng.normal(size=rows) > 0, params=said).construct()
began = time.monotonic()
lightgbm.train(said, data, rounds)
print(time.monotonic() - began)
"""


def seconds(rows: int, threads: int, rounds: int, policy: str) -> float:
    """Return how long one fit takes in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    command = [sys.executable, "-c", FIT, str(rows), str(threads), str(rounds)]
    return float(subprocess.check_output(command, env=clean | POLICIES[policy], text=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=2, help="processes that want the cores too")
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    said = parser.parse_args()
    print("| other processes | one thread | two, asleep | two, spinning |\n|---|---|---|---|")
    for n_busy in (0, said.busy):
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n_busy)]
        try:
            took = [
                statistics.median(seconds(said.rows, threads, said.rounds, policy) for _ in range(said.repeats))
                for threads, policy in ((1, "sleep"), (2, "sleep"), (2, "spin"))
            ]
        finally:
            for other in others:
                other.kill()
                other.wait()
        print(f"| {n_busy} | " + " | ".join(f"{value:.3f}" for value in took) + " |", flush=True)


if __name__ == "__main__":
    main()
