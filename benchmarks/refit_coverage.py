"""Does the reported interval hold the truth, fits and all? Whole studies on fresh samples of a known world.

    python -m benchmarks.refit_coverage [--replicates 100] [--rows 600]

Each replicate draws a table, runs init, run (baselines, a short search, a blend) and finalize, and compares the test interval with
the packaged model's score on 50,000 fresh rows. Networks are left out: a replicate would take minutes.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

import fieldguide as fg
from fieldguide.parts import find


def world(n_rows: int, seed: int) -> pl.DataFrame:
    """Draw rows: four numbers, a category, a nonlinear logit, 30 % positive."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 4))
    site = rng.integers(0, 4, n_rows)
    logit = 1.2 * x[:, 0] - 0.8 * x[:, 1] * x[:, 2] + 0.5 * np.sin(2 * x[:, 3]) + 0.4 * (site == 2) - 1.0
    y = rng.random(n_rows) < 1 / (1 + np.exp(-logit))
    return pl.DataFrame(
        {
            **{f"x{i}": x[:, i] for i in range(4)},
            "site": [f"s{s}" for s in site],
            "y": ["yes" if v else "no" for v in y],
        }
    )


def replicate(number: int, n_rows: int, folder: Path, fresh: pl.DataFrame) -> tuple[float, tuple[float, float], float]:
    """Return the reported score, its interval, and the packaged model's score on fresh rows."""
    study = fg.Study.create(world(n_rows, 10_000 + number), target="y", out=folder / str(number))
    path = study.folder / "study.yaml"
    text = path.read_text().replace("budget: {trials: 30, minutes: 10}", "budget: {trials: 4, minutes: }")
    path.write_text(text + "learners: {skip: [mlp, tabm]}\n")
    study = fg.Study(study.folder)
    study.run()
    score = study.finalize()["scores"][0]
    answers = fg.load_model(study.folder / "model").predict(fresh.drop("y"))
    probability = answers.select("probability_no", "probability_yes").to_numpy()
    truth = (fresh["y"] == "yes").to_numpy().astype(np.int64)
    return score["value"], tuple(score["interval"]), find("metrics", score["metric"])().score(truth, probability)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--rows", type=int, default=600)
    options = parser.parse_args()
    began = time.monotonic()
    fresh = world(50_000, 1)
    with tempfile.TemporaryDirectory() as folder:
        found = [replicate(i, options.rows, Path(folder), fresh) for i in range(options.replicates)]
    inside = np.array([low <= truth <= high for _, (low, high), truth in found])
    share, n = inside.mean(), len(inside)
    gap = np.array([value - truth for value, _, truth in found])
    width = np.median([high - low for _, (low, high), _ in found])
    print("| rows | replicates | coverage at nominal 95 % | mean reported - true | median width | minutes |")
    print("|---|---|---|---|---|---|")
    error = 100 * math.sqrt(share * (1 - share) / n)
    print(
        f"| {options.rows} | {n} | {100 * share:.0f} % (± {error:.1f}) | {gap.mean():+.4f} | {width:.3f} | {(time.monotonic() - began) / 60:.1f} |"
    )


if __name__ == "__main__":
    main()
