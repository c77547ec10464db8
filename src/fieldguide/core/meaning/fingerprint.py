"""The fingerprint of a column: what its values look like, in a few hundred numbers that a journal can keep.

Knows typed Series and table-wide anchors; compares nothing (`core.meaning.meaning` does). A fingerprint holds no row: shares,
a grid of the distribution, and per level how other columns look beside it, by which a swapped code is recognised even
where all levels are equally frequent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.table import Table

MAX_ROWS = 200_000
"""Rows that are looked at: every k-th of more."""
GRID = 100
FEW = 30
"""Numbers of at most so many different values are codes as well: their levels are kept."""
MAX_LEVELS = 200
MIN_SHARE = 0.005
ANCHORS = 16
KEPT_ANCHORS = 4
ANCHORED_LEVELS = 12


def fingerprint(table: Table) -> dict[str, dict[str, Any]]:
    """Return the fingerprint of every column but targets, by name, as plain data.

    Examples:
        >>> from fieldguide.core.table import Column
        >>> ages = Table(pl.DataFrame({"age": [20.0, 30.0, 40.0, None]}), (Column("age", "number"),))
        >>> found = fingerprint(ages)["age"]
        >>> found["kind"], found["n"], found["n_missing"], found["decimals"]
        ('number', 4, 1, 0)
    """
    table = sampled(table)
    anchors = anchors_of(table)
    names = [column.name for column in table.columns if column.role != "target"]
    return {name: of_column(table.frame[name], table.column(name).kind, anchors) for name in names}


def sampled(table: Table) -> Table:
    """Return every k-th row, so that at most `MAX_ROWS` are left."""
    step = -(-table.n_rows // MAX_ROWS)
    return table if step <= 1 else Table(table.frame.gather_every(step), table.columns)


def of_column(values: pl.Series, kind: str, anchors: Mapping[str, pl.Series]) -> dict[str, Any]:
    """Return the fingerprint of one column: kind, n, n_missing, and what its kind has."""
    facts: dict[str, Any] = {"kind": kind, "n": len(values), "n_missing": int(values.null_count())}
    known = values.drop_nulls()
    if values.dtype.is_numeric():
        numbers = known.cast(pl.Float64).to_numpy()
        facts |= {"grid": grid_of(numbers), "atoms": atoms_of(numbers), "written": written(numbers)}
        facts["decimals"] = next(digits for digits, share in enumerate(facts["written"]) if share >= 0.99)
        facts["n_unique"] = len(np.unique(numbers))
        if 0 < facts["n_unique"] <= FEW:
            facts |= levels_of(level_texts(values), values.name, anchors)
    elif values.dtype.is_temporal():
        days = known.cast(pl.Datetime("us"))
        facts["midnight"] = float((days == days.dt.truncate("1d")).mean() or 0.0) if len(days) else 0.0  # type: ignore[arg-type]
    elif kind in ("category", "boolean", "constant"):
        facts |= levels_of(level_texts(values), values.name, anchors)
    return facts


def grid_of(numbers: np.ndarray) -> list[list[float]]:
    """Return [value, share below, share up to it] at `GRID` quantiles; exact also where values repeat.

    Examples:
        >>> grid_of(np.array([1.0, 1.0, 2.0, 4.0]))
        [[1.0, 0.0, 0.5], [2.0, 0.5, 0.75], [4.0, 0.75, 1.0]]
    """
    if not len(numbers):
        return []
    ordered = np.sort(numbers)
    places = np.unique(np.linspace(0, len(ordered) - 1, GRID + 1).round().astype(int))
    at = np.unique(ordered[places])
    below, upto = np.searchsorted(ordered, at, "left"), np.searchsorted(ordered, at, "right")
    return np.column_stack([at, below / len(ordered), upto / len(ordered)]).tolist()


def atoms_of(numbers: np.ndarray) -> dict[str, float]:
    """Return the shares of values that at least `MIN_SHARE` of the known cells have, the largest first."""
    if not len(numbers):
        return {}
    values, counts = np.unique(numbers, return_counts=True)
    shares = counts / len(numbers)
    order = [i for i in np.argsort(-shares, kind="stable")[:MAX_LEVELS] if shares[i] >= MIN_SHARE and counts[i] > 1]
    return {repr(float(values[i])): float(shares[i]) for i in order}


def written(numbers: np.ndarray) -> list[float]:
    """Return the share of numbers that need at most 0, 1, … 6 decimals; all are counted at 6.

    Examples:
        >>> written(np.array([1.0, 1.5, 2.25, 3.0]))[:3]
        [0.5, 0.75, 1.0]
    """
    if not len(numbers):
        return [1.0] * 7
    shares = [np.mean(np.isclose(numbers, np.round(numbers, digits), rtol=1e-9, atol=1e-9)) for digits in range(6)]
    return [*map(float, shares), 1.0]


def level_texts(values: pl.Series) -> pl.Series:
    """Return the levels of a column as texts: `3`, not `3.0`."""
    if values.dtype.is_numeric():
        whole = values.cast(pl.Int64, strict=False)
        texts = values.cast(pl.String)
        return texts.zip_with((whole != values).fill_null(True), whole.cast(pl.String))
    return values.cast(pl.String)


def levels_of(texts: pl.Series, name: str, anchors: Mapping[str, pl.Series]) -> dict[str, Any]:
    """Return the levels with their shares, the largest first, and beside each the mean and error of every anchor."""
    counted = texts.drop_nulls().value_counts(sort=True).sort(["count", texts.name], descending=[True, False])
    n = max(1, int(counted["count"].sum()))
    top = counted.head(MAX_LEVELS)
    levels = dict(zip(top[texts.name].to_list(), (top["count"] / n).to_list()))
    return {"levels": levels, "n_levels": counted.height, "beside": _beside(texts, name, list(levels), anchors)}


def _beside(
    texts: pl.Series, name: str, levels: list[str], anchors: Mapping[str, pl.Series]
) -> dict[str, dict[str, list[float]]]:
    """Return [mean, error of the mean] of anchors beside each of the most frequent levels; those that differ most."""
    levels = levels[:ANCHORED_LEVELS]
    others = {a: numbers for a, numbers in anchors.items() if a != name and not a.startswith(f"{name}=")}
    frame = pl.DataFrame({"level": texts, **{f"x{i}": numbers for i, numbers in enumerate(others.values())}})
    cells = [pl.col(f"x{i}") for i in range(len(others))]
    told = frame.filter(pl.col("level").is_in(levels)).group_by("level").agg(
        *(x.mean().name.suffix("m") for x in cells), *(x.std().name.suffix("s") for x in cells),
        *(x.count().name.suffix("n") for x in cells),
    )  # fmt: skip
    rows = {row["level"]: row for row in told.iter_rows(named=True)}
    beside = {}
    for i, anchor in enumerate(others):
        beside[anchor] = {
            level: [rows[level][f"x{i}m"], (rows[level][f"x{i}s"] or 0.5) / rows[level][f"x{i}n"] ** 0.5]
            for level in levels if level in rows and rows[level][f"x{i}n"]
        }  # fmt: skip
    ranges = {
        anchor: max(m for m, _ in found.values()) - min(m for m, _ in found.values())
        for anchor, found in beside.items()
        if found
    }
    return {anchor: beside[anchor] for anchor in sorted(ranges, key=lambda a: -ranges[a])[:KEPT_ANCHORS]}


def anchors_of(table: Table) -> dict[str, pl.Series]:
    """Return columns in [0, 1] that the levels of others are compared by, `column` or `column=level`, by name.

    Ranks of numbers, those with the most different values first, for few of them can be codes themselves; then the most
    frequent levels of categories.
    """
    numbers = [c.name for c in table.features if c.kind == "number"]
    numbers.sort(key=lambda name: (-int(table.frame[name].n_unique()), name))
    chosen = numbers[:ANCHORS]
    for column in table.features:
        if len(chosen) < ANCHORS and column.kind in ("category", "boolean"):
            counted = level_texts(table.frame[column.name]).drop_nulls().value_counts(sort=True)
            counted = counted.sort(["count", column.name], descending=[True, False])
            chosen += [f"{column.name}={level}" for level in counted[column.name].head(1)]
    return anchors_named(table, chosen)


def anchors_named(table: Table, names: Iterable[str]) -> dict[str, pl.Series]:
    """Return the anchors of these names as they are in a table; those whose column is gone are left out."""
    anchors = {}
    for name in names:
        column, _, level = name.partition("=") if name not in table.names else (name, "", "")
        if column not in table.names:
            continue
        values = table.frame[column]
        if level:
            anchors[name] = (level_texts(values) == level).cast(pl.Float64)
        elif values.dtype.is_numeric():
            anchors[name] = (values.rank("average") - 0.5) / max(1, len(values) - values.null_count())
    return anchors
