"""The nouns of the honesty benchmark: a world (the file a user has, and what comes after deployment) and a fault in it.

Knows shapes only; which faults there are stands in `faults`, how tools meet them in `tools`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import polars as pl

Metric = Literal["roc_auc", "rmse"]


@dataclass(frozen=True)
class World:
    """What a user has, and what the shipped model will meet.

    Args:
        train: the user's file, the fault planted.
        target: the column to predict.
        fresh: rows after deployment, as they stand when the prediction is made, with their true target: what becomes known only
            after the outcome is blank, groups are new, times are later, labels are right.
        metric: the judge.
        may_decline: the future is unlike the past in a way no past row shows, so no promise is an answer.
        test: a test file that the user was given, or None.
    """

    train: pl.DataFrame
    target: str
    fresh: pl.DataFrame
    metric: Metric = "roc_auc"
    may_decline: bool = False
    test: pl.DataFrame | None = None


@dataclass(frozen=True)
class Fault:
    """A planted fault, or a clean world (no codes).

    Args:
        name: what is wrong, in snake case.
        make: a seed to the world with this fault.
        codes: findings of which any one names the fault.
        least: the least severity at which a finding counts as naming it.
        about: what was planted and what is true after deployment, one sentence.
        columns: the columns that are at fault; a finding about other columns only does not name it.
    """

    name: str
    make: Callable[[int], World]
    codes: tuple[str, ...] = ()
    least: Literal["info", "warning", "error"] = "warning"
    about: str = ""
    columns: tuple[str, ...] = ()
