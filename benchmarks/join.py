"""`fieldguide join` beside a DuckDB query written by hand for the same table: seconds and peak memory.

Events are made by seed in a temporary folder (Parquet). Each run is a process of its own; both sides have the same
threads and the same memory limit of DuckDB, and their tables are compared cell by cell.

    python -m benchmarks.join --events 10000000 --entities 100000 --runs 3
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STUDY = """
problem: {target: buys}
threads: THREADS
join:
  units: {table: events.parquet, entity: customer, time: time, start: 2024-05-01, stop: 2024-10-28, every: 60d}
  features:
    - table: events.parquet
      time: time
      known_at: booked
      columns:
        n: {aggregate: count, window: [7d, 30d, 90d]}
        spend: {aggregate: [sum, mean, max, since_last], column: amount, window: [30d, 90d]}
        large: {aggregate: count, window: 90d, where: "amount > 50 and kind in ['a', 'b']"}
  outcome: {table: events.parquet, time: time, horizon: 30d}
"""
BY_HAND = """
COPY (
WITH moments AS (SELECT unnest(range(TIMESTAMP '2024-05-01', TIMESTAMP '2024-10-29', INTERVAL 60 DAY)) AS t),
units AS (
  SELECT customer, t FROM (SELECT customer, min(time) AS since FROM read_parquet('EVENTS') GROUP BY customer)
  CROSS JOIN moments WHERE since < t),
f AS (
  SELECT u.customer, u.t,
    count(*) FILTER (WHERE e.time >= u.t - INTERVAL 7 DAY) AS n_7d,
    count(*) FILTER (WHERE e.time >= u.t - INTERVAL 30 DAY) AS n_30d,
    count(*) AS n_90d,
    sum(amount) FILTER (WHERE e.time >= u.t - INTERVAL 30 DAY) AS spend_sum_30d,
    sum(amount) AS spend_sum_90d,
    avg(amount) FILTER (WHERE e.time >= u.t - INTERVAL 30 DAY) AS spend_mean_30d,
    avg(amount) AS spend_mean_90d,
    max(amount) FILTER (WHERE e.time >= u.t - INTERVAL 30 DAY) AS spend_max_30d,
    max(amount) AS spend_max_90d,
    max(e.time) FILTER (WHERE e.time >= u.t - INTERVAL 30 DAY) AS last_30d,
    max(e.time) AS last_90d,
    count(*) FILTER (WHERE amount > 50 AND kind IN ('a', 'b')) AS large
  FROM read_parquet('EVENTS') e JOIN units u ON e.customer = u.customer
    AND e.time < u.t AND e.booked < u.t AND e.time >= u.t - INTERVAL 90 DAY
  GROUP BY u.customer, u.t),
o AS (
  SELECT u.customer, u.t, count(*) AS n FROM read_parquet('EVENTS') e JOIN units u ON e.customer = u.customer
    AND e.time > u.t AND e.time <= u.t + INTERVAL 30 DAY
  GROUP BY u.customer, u.t)
SELECT u.customer, u.t AS prediction_time, coalesce(n_7d, 0) AS n_7d, coalesce(n_30d, 0) AS n_30d, coalesce(n_90d, 0) AS n_90d,
  coalesce(spend_sum_30d, 0) AS spend_sum_30d, coalesce(spend_sum_90d, 0) AS spend_sum_90d, spend_mean_30d, spend_mean_90d,
  spend_max_30d, spend_max_90d, date_diff('microsecond', last_30d, u.t) / 86400000000.0 AS spend_since_last_30d,
  date_diff('microsecond', last_90d, u.t) / 86400000000.0 AS spend_since_last_90d, coalesce(large, 0) AS large,
  (coalesce(o.n, 0) > 0)::INTEGER AS buys
FROM units u LEFT JOIN f USING (customer, t) LEFT JOIN o USING (customer, t)
WHERE u.t + INTERVAL 30 DAY <= (SELECT max(time) FROM read_parquet('EVENTS'))
ORDER BY u.customer, u.t
) TO 'OUT' (FORMAT parquet, COMPRESSION zstd)
"""


def make(folder: Path, n_events: int, n_entities: int) -> None:
    """Write the events; a tenth of them is known only days later."""
    import duckdb

    con = duckdb.connect(config={"threads": 1, "memory_limit": "1GB", "temp_directory": str(folder / "spill")})
    cell = "hash(i * 7919 + {}) / 18446744073709551615.0"
    con.execute(f"""
        COPY (SELECT *, time + INTERVAL 1 SECOND * (CASE WHEN late < 0.1 THEN 86400 * 5 * late * 10 ELSE 0 END)::INTEGER AS booked
              FROM (SELECT (hash(i) % {n_entities})::BIGINT AS customer,
                           TIMESTAMP '2024-01-01' + INTERVAL 1 SECOND * ({cell.format(1)} * 31536000)::INTEGER AS time,
                           round(-30 * ln(1 - {cell.format(2)} * 0.9999), 2) AS amount,
                           chr((97 + hash(i * 31) % 8)::INTEGER) AS kind, {cell.format(3)} AS late
                    FROM range({n_events}) r(i)))
        TO '{folder / "events.parquet"}' (FORMAT parquet)""")  # fmt: skip


def ours(folder: Path, threads: int) -> None:
    """Join through a study, as the command line does."""
    from fieldguide.workflow import Study

    study = folder / "study"
    study.mkdir(exist_ok=True)
    text = STUDY.replace("THREADS", str(threads)).replace("table: ", "table: ../")
    (study / "study.yaml").write_text(text)
    Study(study).join()


def by_hand(folder: Path, threads: int) -> None:
    """Run the hand-written query."""
    import duckdb

    con = duckdb.connect(config={"threads": threads, "memory_limit": "1GB", "temp_directory": str(folder / "spill")})
    con.execute(BY_HAND.replace("EVENTS", str(folder / "events.parquet")).replace("OUT", str(folder / "hand.parquet")))


def measured(side: str, folder: Path, threads: int) -> dict[str, float]:
    """Run one side in a process of its own; return its seconds and peak memory [MB]."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.join",
        "--side",
        side,
        "--folder",
        str(folder),
        "--threads",
        str(threads),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def differences(folder: Path) -> tuple[int, float]:
    """Return the rows of the two tables, and the largest relative difference of any cell; the shapes must agree."""
    import polars as pl

    a, b = pl.read_parquet(folder / "study" / "joined.parquet"), pl.read_parquet(folder / "hand.parquet")
    assert a.height == b.height, (a.height, b.height)
    worst = 0.0
    for name in b.columns:
        x, y = a[name].to_physical().cast(pl.Float64), b[name].to_physical().cast(pl.Float64)
        assert x.null_count() == y.null_count(), name
        worst = max(worst, float(((x - y).abs() / pl.Series(y.abs()).clip(1.0)).max() or 0.0))  # type: ignore[arg-type]
    return a.height, worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", choices=["ours", "hand"])
    parser.add_argument("--folder", type=Path)
    said = parser.parse_args()
    if said.side:
        began = time.perf_counter()
        (ours if said.side == "ours" else by_hand)(said.folder, said.threads)
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = used.ru_utime + used.ru_stime  # imports included
        print(json.dumps({"seconds": time.perf_counter() - began, "cpu": spent, "peak": used.ru_maxrss / 1024}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, said.events, said.entities)
        runs: dict[str, list[dict[str, float]]] = {"ours": [], "hand": []}
        for _ in range(said.runs):
            for side in runs:
                journal = folder / "study" / "journal.jsonl"
                journal.unlink(missing_ok=True)
                runs[side].append(measured(side, folder, said.threads))
        rows, worst = differences(folder)
    middle = {side: statistics.median(run["seconds"] for run in found) for side, found in runs.items()}
    cpu = {side: statistics.median(run["cpu"] for run in found) for side, found in runs.items()}
    most = {side: max(run["peak"] for run in found) for side, found in runs.items()}
    print(
        f"{said.events:,} events, {rows:,} rows, largest relative difference {worst:.1e}, {os.cpu_count()} CPUs, {said.threads} threads\n"
    )
    print("| | seconds (median) | CPU seconds (median) | peak MB |\n|---|---|---|---|")
    for side, title in (("ours", "fieldguide join"), ("hand", "by hand")):
        print(f"| {title} | {middle[side]:.1f} | {cpu[side]:.1f} | {most[side]:.0f} |")
    print(f"| ratio | {middle['ours'] / middle['hand']:.2f} | {cpu['ours'] / cpu['hand']:.2f} | |")


if __name__ == "__main__":
    main()
