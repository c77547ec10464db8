"""Conditions: parts of a table as expressions that a person could have written: levels, ranges, missing cells.

Knows columns and how their values spread; which of these parts matter is decided by whoever searches them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from fieldguide.core.language.expression import parse
from fieldguide.core.language.functions import FUNCTIONS
from fieldguide.core.table import Column, Table

MOST_COLUMNS = 400
MOST_LEVELS = 12


@dataclass(frozen=True)
class Condition:
    """One condition on one column.

    Args:
        column: the column.
        text: the condition as an expression, such as `age >= 48`.
    """

    column: str
    text: str


def conditions_of(table: Table) -> list[Condition]:
    """Return single conditions as expressions: levels, ranges between quartiles and on either side of the median, missing.

    Examples:
        >>> table = Table(pl.DataFrame({"city": ["Oslo", "Lima", None]}), (Column("city", "category"),))
        >>> [condition.text for condition in conditions_of(table)]
        ["city = 'Lima'", "city = 'Oslo'", 'is_missing(city)']
    """
    found: list[Condition] = []
    for column in table.features[:MOST_COLUMNS]:
        if "`" in column.name:
            continue
        values, name = table.frame[column.name], _quoted(column.name)
        texts = (
            _ranges(name, values, column) if column.kind in ("number", "datetime") else _levels(name, values, column)
        )
        if values.null_count() + (int(values.is_nan().sum()) if values.dtype.is_float() else 0):
            texts = [*texts, f"is_missing({name})"]
        found += [Condition(column.name, text) for text in texts]
    return found


def _quoted(name: str) -> str:
    reserved = {"and", "or", "not", "in", "true", "false", "null", *FUNCTIONS}
    return name if name.isidentifier() and name.lower() not in reserved else f"`{name}`"


def _levels(name: str, values: pl.Series, column: Column) -> list[str]:
    counts = values.drop_nulls().value_counts(sort=True, name="n").head(MOST_LEVELS)
    levels = sorted(counts[values.name].to_list(), key=str)
    if column.kind == "boolean":
        return [f"{name} = {str(level).lower()}" for level in levels]
    return [f"{name} = '{level}'" for level in levels if not set("'\\") & set(str(level))]


def _ranges(name: str, values: pl.Series, column: Column) -> list[str]:
    if column.kind == "datetime":
        numbers = values.drop_nulls().to_physical().to_numpy()
        edges = [f"'{np.datetime64(int(edge), 'us').astype('datetime64[D]')}'" for edge in _quartiles(numbers)]
        edges = list(dict.fromkeys(edges))
    else:
        numbers = values.to_numpy()
        numbers = numbers[np.isfinite(numbers)]
        distinct = np.unique(numbers)
        if len(distinct) <= 6:
            return [f"{name} = {value:.15g}" for value in distinct] if len(distinct) > 1 else []
        edges = list(dict.fromkeys(f"{float(f'{edge:.4g}'):.10g}" for edge in _quartiles(numbers)))
    if not edges:
        return []
    between = [f"{low} <= {name} < {high}" for low, high in pairwise(edges)]
    middle = edges[len(edges) // 2]
    halves = [f"{name} < {middle}", f"{name} >= {middle}"] if len(edges) > 1 else []
    return [f"{name} < {edges[0]}", *between, f"{name} >= {edges[-1]}", *halves]


def _quartiles(numbers: np.ndarray) -> list[float]:
    return [] if not len(numbers) else [float(q) for q in np.quantile(numbers, (0.25, 0.5, 0.75))]


def masks_of(table: Table, conditions: Sequence[Condition]) -> np.ndarray:
    """Return (conditions, rows) bool, computed by the expressions themselves."""
    if not conditions:
        return np.zeros((0, table.n_rows), bool)
    kinds = {column.name: column.kind for column in table.columns}
    exprs = [parse(c.text, kinds).polars().fill_null(False).alias(str(i)) for i, c in enumerate(conditions)]
    return table.frame.select(exprs).to_numpy().T
