"""Small cases that checks are tested on: tables, problems, splits, trials, as plain as they can be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from fieldguide import parts
from fieldguide.core.blocks import Duplicates
from fieldguide.core.contracts import Roles
from fieldguide.core.problem import Output, Problem
from fieldguide.core.split import Fold, Split
from fieldguide.core.table import Column, Table

KINDS = {pl.Float64: "number", pl.String: "category", pl.Boolean: "boolean", pl.Datetime: "datetime"}


def table_of(roles: dict[str, str] | None = None, **columns: Any) -> Table:
    """Return a typed table; the kind of a column follows from its values."""
    frame = pl.DataFrame({name: _typed(values) for name, values in columns.items()})
    kinds = {name: next(kind for dtype, kind in KINDS.items() if frame[name].dtype == dtype) for name in columns}
    return Table(frame, tuple(Column(n, kinds[n], (roles or {}).get(n, "feature")) for n in columns))


def _typed(values: Any) -> pl.Series:
    series = pl.Series(values, strict=False)
    return series.cast(pl.Float64) if series.dtype.is_numeric() or series.dtype == pl.Null else series


def problem_of(
    task: str = "binary", metric: str = "roc_auc", labels: tuple[str, ...] = ("no", "yes"), **words: Any
) -> Problem:
    labels = () if task == "regression" else labels
    output = Output("sold", parts.find("tasks", task)(), labels, parts.find("metrics", metric)())
    return Problem((output,), **words)


def regression(**words: Any) -> Problem:
    return problem_of("regression", "rmse", **words)


def two_outputs() -> Problem:
    """Return a problem of two outputs: whether something is sold, and after how many days."""
    days = Output("days", parts.find("tasks", "regression")(), (), parts.find("metrics", "rmse")())
    return Problem((problem_of().output, days))


def profile_of(table: Table) -> dict[str, Any]:
    """Return the columns' facts as explore writes them."""
    facts = {c.name: {"kind": c.kind, **parts.modality(c.kind).describe(table.frame[c.name])} for c in table.features}
    return {"columns": facts}


def roles_of(n: int, blocks: Any = None, times: Any = None) -> Roles:
    blocks = np.arange(n) if blocks is None else np.asarray(blocks, np.int64)
    times = None if times is None else np.asarray(times, np.int64)
    return Roles(np.arange(n, dtype=np.uint64), blocks, times, None)


def split_of(
    roles: Roles, test: Any, *, scheme: str = "random", development: Any = None, folds: Any = None, purged: Any = ()
) -> Split:
    test = np.asarray(test, np.int64)
    rest = np.setdiff1d(np.arange(len(roles)), [*test, *purged]) if development is None else np.asarray(development)
    half = len(rest) // 2
    folds = folds or (Fold(np.arange(half), np.arange(half, len(rest))),)
    purged = np.asarray(purged, np.int64)
    return Split(
        scheme, rest, rest, test, purged, tuple(folds), roles.take(rest), parts.find("splitters", "random")(), "hash"
    )


def duplicates_of(exact: Any, near: Any = None, **flags: bool) -> Duplicates:
    exact = np.asarray(exact, np.int64)
    return Duplicates(exact, exact if near is None else np.asarray(near, np.int64), **flags)


def trial_of(name: str, kind: str = "simple", value: float = 0.8, rows: int = 100, **entry: Any) -> Any:
    """Return what checks read of a trial: name, kind, entry, rows."""
    facts = {
        "candidate": name,
        "kind": kind,
        "scores": [{"metric": "roc_auc", "value": value}],
        "n_folds": 1,
    }
    return SimpleNamespace(
        name=name, candidate=SimpleNamespace(kind=kind), entry={**facts, **entry}, rows=np.arange(rows)
    )


def bench_of(problem: Problem | None = None, value: float = 0.0, low: float = 0.0, high: float = 0.0) -> Any:
    """Return what checks read of a bench: its problem, and one paired difference."""
    found = {"value": value, "interval": [low, high], "p": 0.5, "n": 100}
    return SimpleNamespace(problem=problem or problem_of(), compared=lambda a, b: found)


def only(findings: list[Any]) -> Any:
    (finding,) = findings
    return finding
