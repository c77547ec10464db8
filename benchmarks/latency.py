"""Single-row prediction from a loaded model, beside LightGBM's scikit-learn wrapper on the same rows.

    python -m benchmarks.latency [MODEL_FOLDER ROWS.csv]

Without a model, one is made of adult: the blend that half a minute gives. Prints medians and 99th percentiles over 1,000 rows in milliseconds. The peer gets a pandas frame of one row, as its users call it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import fieldguide as fg


def timed(call: Callable[[Any], Any], rows: list[Any]) -> tuple[float, float]:
    for row in rows[:50]:
        call(row)
    times = []
    for row in rows:
        began = time.perf_counter()
        call(row)
        times.append(1000 * (time.perf_counter() - began))
    return float(np.median(times)), float(np.quantile(times, 0.99))


def made(folder: Path) -> tuple[Path, Path]:
    """Return a finalized model of adult, and rows for it."""
    from benchmarks.datasets import adult

    adult(0).train.write_csv(folder / "rows.csv")
    study = fg.Study.create(folder / "rows.csv", target="income", out=folder / "study")
    study.run(minutes=0.5)
    study.finalize()
    return folder / "study" / "model", folder / "rows.csv"


def measure(folder: Path, path: Path) -> None:
    """Print the table of one model."""
    began = time.perf_counter()
    model = fg.load_model(folder)
    loading = time.perf_counter() - began
    frame = pl.read_csv(path).head(1000)
    rows = frame.to_dicts()
    print("| model | p50 ms | p99 ms |")
    print("|---|---|---|")
    p50, p99 = timed(lambda row: model.predict_rows([row]), rows)
    print(
        f"| fieldguide, {len(getattr(model.predictor, 'members', [1]))} member(s), loaded in {loading:.2f} s | {p50:.3f} | {p99:.3f} |"
    )
    try:
        import lightgbm
        import pandas
    except ImportError:
        print("| LightGBM: not installed | | |")
        return
    columns = [c.name for c in model.columns if c.name in frame.columns]
    table = pandas.DataFrame({n: frame[n].to_list() for n in columns})
    for name in table.columns:
        if not pandas.api.types.is_numeric_dtype(table[name]):
            table[name] = table[name].astype("category")
    truth = np.arange(len(table)) % 2
    peer = lightgbm.LGBMClassifier(n_jobs=1, verbosity=-1).fit(table, truth)
    single = [table.iloc[i : i + 1] for i in range(len(table))]
    p50, p99 = timed(peer.predict_proba, single)
    print(f"| LightGBM's scikit-learn wrapper, 100 trees | {p50:.3f} | {p99:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("rows", type=Path, nargs="?")
    options = parser.parse_args()
    if options.model is None or options.rows is None:
        with tempfile.TemporaryDirectory() as folder:
            measure(*made(Path(folder)))
    else:
        measure(options.model, options.rows)


if __name__ == "__main__":
    main()
