"""Synthetic tables in time order, clean unless a test plants a fault: what the checks FG320 to FG329 are tested on."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import polars as pl
from check_cases import only, problem_of, regression, roles_of, table_of

__all__ = ["DAY", "START", "columns_of", "given", "only", "problem_of", "regression", "run", "target_of"]

DAY = 86_400_000_000
START = int(np.datetime64("2024-01-01", "us").astype(np.int64))


def columns_of(n: int = 3000, seed: int = 0, days: int = 300) -> dict[str, Any]:
    """Return plain columns by name, rows in time order; `day` is a list of datetimes."""
    rng = np.random.default_rng(seed)
    micros = START + np.sort(rng.integers(0, days, n)) * DAY
    hole = rng.random(n) < 0.1
    return {
        "day": pl.Series(micros).cast(pl.Datetime("us")),
        "client": rng.choice(["A", "B", "C", "D"], n, p=[0.4, 0.3, 0.2, 0.1]),
        "version": rng.choice([1.0, 2.0, 3.0], n),
        "size": rng.lognormal(3, 0.6, n),
        "heat": rng.normal(20, 5, n),
        "score": rng.normal(size=n),
        "visits": rng.poisson(3, n).astype(float),
        "holes": [None if h else v for h, v in zip(hole, rng.normal(size=n))],
    }


def target_of(columns: dict[str, Any], seed: int = 0, rate: float = 0.3) -> np.ndarray:
    """Return (rows,) 0 or 1: depends on two columns, and not on time."""
    rng = np.random.default_rng(seed + 1000)
    logit = np.log(rate / (1 - rate)) + np.asarray(columns["score"]) + 0.1 * (np.asarray(columns["heat"]) - 20)
    return (rng.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(np.int64)


def given(
    columns: dict[str, Any],
    truth: np.ndarray | None = None,
    problem: Any = None,
    *,
    timed: bool = True,
    role: str = "time",
) -> dict[str, Any]:
    """Return all that a check of this family may need; a check takes what it names by `run`."""
    n = len(columns["score"]) if "score" in columns else len(next(iter(columns.values())))
    truth = target_of(columns) if truth is None else truth
    kept = columns if timed else {name: cells for name, cells in columns.items() if name != "day"}
    return {
        "table": table_of({"day": role}, **kept), "problem": problem or problem_of(), "roles": roles_of(n),
        "truths": (truth,),
    }  # fmt: skip


def needed(check: Any, case: dict[str, Any]) -> dict[str, Any]:
    return {name: case[name] for name in inspect.signature(check.run).parameters}


def run(check: Any, case: dict[str, Any]) -> Any:
    """Return the one finding of a check on a case."""
    return only(check.run(**needed(check, case)))
