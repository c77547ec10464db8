"""Population: which rows are learned from, and which are judged. Before the seal, so that the seal follows the judged rows.

Reads the expressions of study.yaml on the typed table. Of the target it reads the rate along time only: rows so young that their
outcomes have not all arrived are neither taught nor judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.documents.config import Config
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.language.expression import parse
from fieldguide.core.problem import Output
from fieldguide.core.statistics.maturity import immature_from
from fieldguide.core.statistics.weighting import check_weights, effective_size
from fieldguide.core.table import WEIGHTS, Table

FEWEST_ROWS = 20


@dataclass(frozen=True)
class Population:
    """Which rows count.

    Args:
        facts: {train, evaluate: {said, n}, immature: {from, n, rate_before, rate_after, p, left_out} or None}.

    Shape:
        train, judged: (rows,) bool
    """

    train: np.ndarray
    judged: np.ndarray
    facts: dict[str, Any]

    @property
    def whole(self) -> bool:
        """Whether every row is learned from and judged."""
        return bool(self.train.all() and self.judged.all())


def population(table: Table, output: Output, config: Config) -> Population:
    """Return the rows that study.yaml lets teach and judge, less those whose outcomes are still arriving.

    Raises:
        ConfigError: an expression reads a target: a population is known before the outcome.
        DataError: too few rows are left.
    """
    said = config.population
    masks = {name: _holds(table, str(getattr(said, name)), name, config) for name in ("train", "evaluate")}
    immature = _immature(table, output)
    if immature is not None:
        young, immature["left_out"] = immature.pop("rows"), said.immature == "leave_out"
        if immature["left_out"]:
            masks = {name: mask & ~young for name, mask in masks.items()}
    for name, mask in masks.items():
        if mask.sum() < FEWEST_ROWS and not mask.all():  # a table that is too short is the split's to refuse
            raise DataError(
                f"population.{name} holds {int(mask.sum()):,} of {table.n_rows:,} rows",
                rule=f"at least {FEWEST_ROWS} rows are learned from and judged", found=str(getattr(said, name)),
                do="widen the expression; `all` takes every row",
            )  # fmt: skip
    facts = {name: {"said": str(getattr(said, name)), "n": int(mask.sum())} for name, mask in masks.items()}
    return Population(masks["train"], masks["evaluate"], {**facts, "immature": immature})


def _holds(table: Table, text: str, name: str, config: Config) -> np.ndarray:
    if text == "all":
        return np.ones(table.n_rows, bool)
    expression = parse(text, {column.name: column.kind for column in table.columns}, expect="boolean")
    outcomes = set(expression.columns) & set(config.problem.targets)
    if outcomes:
        raise ConfigError(
            f"population.{name} reads the target {sorted(outcomes)[0]!r}", rule="a population is known before the outcome",
            found=text, do="state it by columns that are known when the prediction is made",
        )  # fmt: skip
    holds: np.ndarray = table.frame.select(expression.polars().fill_null(False).alias("holds"))["holds"].to_numpy()
    return holds


def _immature(table: Table, output: Output) -> dict[str, Any] | None:
    """Return from when on outcomes are still arriving, where a time acts and the target is yes or no."""
    times = table.role("time")
    if not times or output.family != "binary":
        return None
    column = table.frame[times[0].name]
    known = column.is_not_null().to_numpy()
    stamps = column.cast(pl.Datetime("us")).to_physical().fill_null(0).to_numpy()
    found = immature_from(stamps[known], output.code(table.frame[output.name])[known] == 1)
    if found is None:
        return None
    rows = known & (stamps >= found.from_time)
    return {
        "column": times[0].name, "from": str(np.datetime64(found.from_time, "us").astype("datetime64[s]")), "n": int(rows.sum()),
        "rate_before": found.rate_before, "rate_after": found.rate_after, "p": found.p, "rows": rows,
    }  # fmt: skip


def weight_role(config: Config) -> str:
    """Return the role of the column of row weights: what population.weigh lets it count in."""
    weigh = config.population.weigh
    return "weight" if weigh == "both" else f"{weigh}_weight"


def weights_of(table: Table) -> dict[str, Any] | None:
    """Return what is said of row weights, {column, counts_in, n_zero, effective, n}; None without them.

    Raises:
        DataError: weights that are missing, negative, infinite or all 0.
    """
    held = [column for column in table.columns if column.role in WEIGHTS]
    if not held:
        return None
    column = held[0]
    weights = table.frame[column.name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    check_weights(column.name, weights)
    counts_in = {"weight": "learning and scores", "learn_weight": "learning", "judge_weight": "scores"}[column.role]
    return {
        "column": column.name, "counts_in": counts_in, "n": len(weights), "n_zero": int((weights == 0).sum()),
        "effective": effective_size(weights),
    }  # fmt: skip
