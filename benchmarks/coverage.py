"""Coverage: how often the interval we print holds the number it speaks of.

Fixed predictions, fresh samples from a known generator, `core.score.score` on each; the truth is the metric on very
many rows (or exact). Run `python -m benchmarks.coverage`; prints the table that stands in `benchmarks/README.md`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from fieldguide.core.leaderboard import judge
from fieldguide.core.problem import Output, Problem
from fieldguide.core.score import compare, score
from fieldguide.parts import find

SIZES = (200, 1_000, 5_000)
GROUP = 5


@dataclass(frozen=True)
class Sample:
    """Rows of a known world: two labels with probabilities of two fixed models, and a value with residuals."""

    blocks: np.ndarray
    label: np.ndarray
    probability: np.ndarray
    rival: np.ndarray
    laplace: np.ndarray
    student: np.ndarray


def draw(rng: np.random.Generator, n: int, grouped: bool, rate: float = -0.8) -> Sample:
    """Return n rows; grouped: every five share half of what drives signal, label and residual."""
    blocks = np.repeat(np.arange(n // GROUP), GROUP) if grouped else np.arange(n)

    def shared(part: Callable[[int], np.ndarray]) -> np.ndarray:
        own = part(n)
        return (own + part(n // GROUP)[blocks]) / np.sqrt(2) if grouped else own

    signal, noise = shared(rng.standard_normal), rng.standard_normal(n)
    lift = rng.standard_normal(n // GROUP)[blocks] if grouped else 0.0
    label = (rng.random(n) < _logistic(2 * signal + rate + lift)).astype(np.int64)
    return Sample(
        blocks, label, _two(_logistic(2.2 * signal - 0.5)), _two(_logistic(1.8 * signal - 0.9 + 0.4 * noise)),
        shared(lambda size: rng.laplace(size=size)), shared(lambda size: rng.standard_t(5, size)),
    )  # fmt: skip


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _two(p: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - p, p])


Judged = tuple[float, tuple[float, float]]


def _one(name: str, sample: Sample, prediction: np.ndarray, seed: int, resamples: int) -> Judged:
    return score(find("metrics", name)(), sample.label, prediction, sample.blocks, seed, resamples)


def _value(residual: np.ndarray, sample: Sample, seed: int, resamples: int) -> Judged:
    return score(find("metrics", "rmse")(), residual, np.zeros(len(residual)), sample.blocks, seed, resamples)


def _paired(name: str, sample: Sample, seed: int, resamples: int) -> Judged:
    pair = (sample.probability, sample.rival)
    found = compare(find("metrics", name)(), sample.label, *pair, sample.blocks, seed, resamples)
    return found.value, found.interval


CASES: dict[str, tuple[float, Callable[[Sample, int, int], Judged]]] = {
    "ROC AUC": (-0.8, lambda s, k, r: _one("roc_auc", s, s.probability, k, r)),
    "ROC AUC, 7 % positive": (-4.0, lambda s, k, r: _one("roc_auc", s, s.probability, k, r)),
    "average precision": (-0.8, lambda s, k, r: _one("average_precision", s, s.probability, k, r)),
    "log loss": (-0.8, lambda s, k, r: _one("log_loss", s, s.probability, k, r)),
    "accuracy": (-0.8, lambda s, k, r: _one("accuracy", s, (s.probability[:, 1] > 0.5) * 1, k, r)),
    "accuracy near 0.99": (-7.0, lambda s, k, r: _one("accuracy", s, 0 * s.label, k, r)),
    "F1": (-0.8, lambda s, k, r: _one("f1", s, (s.probability[:, 1] > 0.5) * 1, k, r)),
    "RMSE, Laplace residuals": (-0.8, lambda s, k, r: _value(s.laplace, s, k, r)),
    "RMSE, Student t(5) residuals": (-0.8, lambda s, k, r: _value(s.student, s, k, r)),
    "paired AUC difference": (-0.8, lambda s, k, r: _paired("roc_auc", s, k, r)),
    "paired log loss difference": (-0.8, lambda s, k, r: _paired("log_loss", s, k, r)),
}
EXACT = {"RMSE, Laplace residuals": np.sqrt(2.0), "RMSE, Student t(5) residuals": np.sqrt(5 / 3)}


@cache
def truth(case: str, grouped: bool, rows: int = 4_000_000) -> float:
    """Return the number the interval should hold: exact where known, else the metric on very many rows."""
    if case in EXACT:
        return float(EXACT[case])
    rate, judge = CASES[case]
    # No resamples: only the value is wanted here.
    return float(np.mean([judge(draw(np.random.default_rng(k), rows // 8, grouped, rate), 0, 0)[0] for k in range(8)]))


def cover(case: str, n: int, grouped: bool, samples: int, resamples: int) -> dict[str, float]:
    """Return coverage, misses on either side and mean width of one cell of the table."""
    rate, judge = CASES[case]
    true, rng = truth(case, grouped), np.random.default_rng([n, grouped, 11])
    found = np.array([judge(draw(rng, n, grouped, rate), k, resamples)[1] for k in range(samples)])
    below, above = float((found[:, 1] < true).mean()), float((found[:, 0] > true).mean())
    silent = float(np.isnan(found).any(1).mean())
    return {
        "cover": 1 - below - above - silent,
        "below": below,
        "above": above,
        "width": float(np.nanmean(np.ptp(found, axis=1))),
    }


def in_time(rho: float, n: int, samples: int, resamples: int) -> tuple[float, float]:
    """Return how often the interval of RMSE holds the truth where residuals are an autoregression: as printed, and without regard to time."""
    task, rows = find("tasks", "regression")(), np.arange(n)
    problem = Problem(outputs=(Output("y", task, (), metric=find("metrics", "rmse")()),))
    inside = []
    for k in range(samples):
        noise = np.random.default_rng([n, k, int(100 * rho)]).standard_normal(n + 600) * np.sqrt(1 - rho**2)
        path = np.zeros(n + 600)
        for i in range(1, n + 600):
            path[i] = rho * path[i - 1] + noise[i]
        found = [
            judge(problem, [path[600:]], [np.zeros((n, 1))], rows, seed=k, rows="test", times=times, replicates=resamples)["scores"][0]
            for times in (rows, None)
        ]  # fmt: skip
        inside.append([low <= 1.0 <= high for low, high in (score["interval"] for score in found)])
    along, plain = np.mean(inside, axis=0)
    return float(along), float(plain)


def tell_in_time(samples: int, resamples: int) -> None:
    """Print coverage along time as markdown."""
    print("| residuals | n | interval as printed | without regard to time |\n|---|---|---|---|")
    for rho, n in product((0.0, 0.5, 0.8, 0.9), (450, 2_000)):
        along, plain = in_time(rho, n, samples, resamples)
        print(f"| AR(1), {rho} | {n:,} | {100 * along:.1f} | {100 * plain:.1f} |", flush=True)


def main() -> None:
    """Print the table as markdown."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--samples", type=int, default=1_000, help="fresh samples per cell")
    options.add_argument("--resamples", type=int, default=1_000, help="bootstrap replicates per interval")
    options.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="rows per sample")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--only", default="", help="cases whose name contains one of these, parted by |")
    options.add_argument("--along-time", action="store_true", help="autoregressive residuals instead of the table")
    chosen = options.parse_args()
    if chosen.along_time:
        tell_in_time(chosen.samples, chosen.resamples)
        return
    started = time.perf_counter()
    cases = [case for case in CASES if any(part in case for part in chosen.only.split("|"))]
    cells = list(product(cases, (False, True), chosen.sizes))
    with ProcessPoolExecutor(chosen.jobs) as pool:
        jobs = [pool.submit(cover, case, n, grouped, chosen.samples, chosen.resamples) for case, grouped, n in cells]
        found = {cell: job.result() for cell, job in zip(cells, jobs)}
    print(f"Coverage of nominal 95 % intervals, {chosen.samples:,} samples per cell (missed below, missed above).\n")
    heads = [
        f"{'groups of 5' if grouped else 'rows'}, n = {n:,}" for grouped, n in product((False, True), chosen.sizes)
    ]
    print("| metric | " + " | ".join(heads) + " |\n|---|" + "---|" * len(heads))
    for case in cases:
        row = [found[case, grouped, n] for grouped, n in product((False, True), chosen.sizes)]
        texts = [f"{100 * c['cover']:.1f} ({100 * c['below']:.1f}, {100 * c['above']:.1f})" for c in row]
        print(f"| {case} | " + " | ".join(texts) + " |")
    print(f"\n{(time.perf_counter() - started) / 60:.1f} minutes on {chosen.jobs} processes.")


if __name__ == "__main__":
    main()
