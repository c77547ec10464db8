"""The log as a training table: one row per answered row whose outcome is known by now, with the features that were served.

Knows predictions, outcomes and how long these take. The features are those the model saw, so that what is learned from and
what is served are the same; what is done with the table is the study's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from fieldguide.core.errors import DataError, StudyError, listed
from fieldguide.core.online.log import EVERYTHING, OUTCOME, LogStore, Query, cells, served
from fieldguide.parts import find
from fieldguide.steps.online.outcomes import joined, judged_until

SHARE = 0.95
"""Of the outcomes that come at all, the share that must have had time to come before a prediction counts as judged."""
UNIT, TIME = "unit", "prediction_time"


@dataclass(frozen=True)
class Wanted:
    """What a training table of a log shall be.

    Args:
        model: hash of the model whose rows are taken; None: the model served last.
        target: name of the target column; None: the model's first output.
        outcome: name of the outcome in the log.
        absent: the target of rows whose outcome never came, such as "0" for clicks; None: these rows are left out.
        at: when it is asked; outcomes recorded later are not looked at.
        query: which answered rows.
    """

    at: datetime
    model: str | None = None
    target: str | None = None
    outcome: str = OUTCOME
    absent: str | None = None
    query: Query = EVERYTHING


def table(store: LogStore, wanted: Wanted) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the training table and what was left out.

    Rows younger than the wait after which 95 % of the outcomes that come at all are there are left out, whether theirs has
    come or not: those that have come so soon are not like the others.

    Returns:
        columns: unit, prediction_time, the features as served, the target as text (none where the model has none), further outputs that have outcomes of their own names; facts: n_logged, n_immature,
        n_without_outcome, n_rows, wait [s], model.

    Raises:
        StudyError: the log holds no model.
        DataError: it has never seen this one, it forecasts, a name is used twice, or no row is left.
    """
    model = wanted.model or _last(store)
    known = served(store, model)
    target = wanted.target or str(known.outputs[0]["name"])
    task = find("tasks", str(known.outputs[0]["task"]))()
    if task.name == "forecast":
        raise DataError(
            f"the log of the forecast {target!r} is no table to learn from", rule="a forecast learns from the rows of its series, and the log has windows",
            found=f"the task of {target!r} is forecast",
            do="add the new rows of the series to the study's table; fieldguide gap judges what was forecast",
        )  # fmt: skip
    query = Query(wanted.query.start, wanted.query.end, model, wanted.query.arm, wanted.query.experiment)
    logged = cells(store, model, query)
    stored = [column.name for column in known.columns if "expression" not in column.read]
    further = [name for one in known.outputs[1:] if store.outcomes(Query(name=(name := str(one["name"])))).height]
    twice = sorted({UNIT, TIME, target, *further} & set(stored))
    if task.family == "structure" and not twice:  # without a target every row that was served may be learned from
        own = logged.records.select(pl.col("unit").alias(UNIT), pl.col("time").alias(TIME))
        rows = own.hstack(logged.cells.select(stored).get_columns()).sort(TIME, maintain_order=True)
        n = rows.height
        return rows, {
            "model": model, "target": None, "task": task.name, "n_logged": n, "n_immature": 0, "n_without_outcome": 0, "n_rows": n, "wait": None,
            "judged_until": None,
        }  # fmt: skip
    if twice:
        raise DataError(
            "a feature has the name of a column of the table", rule=f"{UNIT}, {TIME} and the target are columns of their own",
            found=listed(twice), do="name the target otherwise by --target, or the feature in the model",
        )  # fmt: skip
    found = _told(store, query, _outcome(store, wanted.outcome, target), wanted.at)
    told = logged.records.select("id", "unit", "time").join(found, on="id", how="left", maintain_order="left")
    until = judged_until(told, wanted.at, SHARE) if told.height else None
    label = pl.col("label") if wanted.absent is None else pl.col("label").fill_null(wanted.absent)
    # A feature may be called id, time or label: the log's own columns are renamed before the two meet.
    own = told.select(pl.col("unit").alias(UNIT), pl.col("time").alias(TIME), label.alias(target))
    for name in further:  # of several outputs each has outcomes of its own name
        other = _told(store, query, name, wanted.at).select("id", pl.col("label").alias(name))
        own = own.hstack(
            told.select("id").join(other, on="id", how="left", maintain_order="left").select(name).get_columns()
        )
    rows = own.hstack(logged.cells.select(stored).get_columns())
    mature = rows if until is None else rows.filter(pl.col(TIME) <= until)
    kept = mature.filter(pl.col(target).is_not_null())
    facts = {
        "model": model, "target": target, "n_logged": rows.height, "n_immature": rows.height - mature.height,
        "n_without_outcome": mature.height - kept.height, "n_rows": kept.height,
        "wait": None if until is None else (wanted.at - until).total_seconds(), "judged_until": None if until is None else str(until),
    }  # fmt: skip
    if not kept.height:
        raise DataError(
            "the log gives no row to learn from", rule="a row has an outcome, and has had the time to get one",
            found=f"{rows.height:,} answered rows, {facts['n_immature']:,} too young, {facts['n_without_outcome']:,} without an outcome "
            f"{wanted.outcome!r}", do="send outcomes (fieldguide outcomes), wait, or say what no outcome means by --absent",
        )  # fmt: skip
    return kept.sort(TIME, maintain_order=True).select(UNIT, TIME, *stored, target, *further), facts


def _told(store: LogStore, query: Query, outcome: str, at: datetime) -> pl.DataFrame:
    """Return id, label and recorded of the rows whose outcome of a name was known at a time."""
    found = joined(store, query, outcome)
    return found.filter(pl.col("recorded").is_null() | (pl.col("recorded") <= at)).select("id", "label", "recorded")


def _outcome(store: LogStore, outcome: str, target: str) -> str:
    """Return under which name the target's outcomes lie: as asked, or where there are none without a name, the target's own."""
    unnamed = outcome == OUTCOME and not store.outcomes(Query(name=OUTCOME)).height
    return target if unnamed and store.outcomes(Query(name=target)).height else outcome


def _last(store: LogStore) -> str:
    known = store.served()
    if not known:
        raise StudyError(
            "the log holds no model",
            rule="a log is made by fieldguide serve",
            found="no record of a model in it",
            do="name the log a model was served with",
        )
    return known[-1].model
