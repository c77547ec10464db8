"""Online: what a log tells of a model in use, gathered for its report: traffic, refusals, replay, and the gap to the promise.

Takes the log and, where there is one, the model and its training rows. Counts by itself; replay and gap are their own steps, and
where one of them has nothing to say its reason is kept in place of its facts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from fieldguide.core.answering import folder_hash
from fieldguide.core.errors import DataError
from fieldguide.core.figures import percent
from fieldguide.core.model import Model
from fieldguide.core.online.log import EVERYTHING, LogStore, Query
from fieldguide.core.result import Result
from fieldguide.parts import find
from fieldguide.parts.stores import open_log
from fieldguide.steps.online.gap import gap_of_log
from fieldguide.steps.online.outcomes import corrected
from fieldguide.steps.online.replay import replay

MOST_WINDOWS = 24
FEWEST_ROWS = 20
"""Rows of an arm in a window below which the window's quantiles say nothing."""
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
MOST_RULES = 20


def online(
    url: str, model: Path | None = None, training: pl.DataFrame | None = None, *, outcome: str | None = None
) -> tuple[Result, ...]:  # fmt: skip
    """Return what a log tells: the traffic; of a model that answered in it also its replay and its gap.

    Args:
        url: of the log.
        model: the model's folder; None: only the traffic is told.
        training: typed cells of training rows; None: served rows are held against nothing.
        outcome: the outcome that is the model's target; None: `outcome`, the target's name, or the only one there is.

    Raises:
        StudyError: there is no such log.
    """
    store = open_log(url, create=False)
    try:
        found = [traffic_of_log(store)]
        if model is not None:
            found.append(_replayed(store, model, training))
            named = outcome or _outcome_of(model, found[0].facts["outcomes"])
    finally:
        store.close()
    if model is not None:
        found.append(_gap(url, model, named))
    return tuple(found)


def traffic_of_log(store: LogStore, query: Query = EVERYTHING) -> Result:
    """Count a log's answered rows by arm and over windows of time, with the seconds they took, its refusals and its outcomes."""
    began = time.perf_counter()
    columns = ("request", "unit", "time", "arm", "model", "experiment", "score", "seconds")
    frames = [part.select(columns) for part in store.scan(query)]
    rows = (
        pl.concat(frames)
        if frames
        else pl.DataFrame(schema={**dict.fromkeys(columns, pl.String), "time": pl.Datetime("us")})
    )
    refused, outcomes = store.refusals(query), store.outcomes(query)
    facts: dict[str, Any] = {
        "n": rows.height, "n_requests": rows["request"].n_unique(), "arms": _arms(rows), "windows": _windows(rows, refused),
        "n_refused": refused["request"].n_unique(), "refusals": _rules(refused), "outcomes": _outcomes(outcomes), "corrected": corrected(store, query),
        "from": str(rows["time"].min()) if rows.height else None, "until": str(rows["time"].max()) if rows.height else None,
    }  # fmt: skip
    facts["sentence"] = _sentence(facts)
    return Result("traffic", facts, (), time.perf_counter() - began)


def _arms(rows: pl.DataFrame) -> list[dict[str, Any]]:
    if not rows.height:
        return []
    seconds = pl.col("seconds")
    found = rows.group_by("arm", "model").agg(
        pl.len().alias("n"), pl.col("unit").drop_nulls().n_unique().alias("units"), pl.col("score").mean().alias("score"),
        pl.col("experiment").drop_nulls().unique().sort().alias("experiments"), pl.col("time").min().cast(pl.String).alias("since"),
        *(seconds.quantile(q).alias(name) for name, q in QUANTILES.items()),
    )  # fmt: skip
    arms = found.with_columns((pl.col("n") / rows.height).alias("share")).sort("n", "arm", descending=[True, False])
    return arms.with_columns(pl.col("experiments").list.eval(pl.element().filter(pl.element() != ""))).to_dicts()


def _windows(rows: pl.DataFrame, refused: pl.DataFrame) -> list[dict[str, Any]]:
    """Return equally long windows of time with rows, quantiles of the seconds and mean score by arm."""
    if not rows.height:
        return []
    first, last = rows["time"].min(), rows["time"].max()
    assert isinstance(first, datetime) and isinstance(last, datetime)
    length = max((last - first) / MOST_WINDOWS, timedelta(seconds=1))
    n = min(MOST_WINDOWS, int((last - first) / length) + 1)
    at = ((pl.col("time") - first).dt.total_microseconds() // int(length.total_seconds() * 1e6)).clip(0, n - 1)
    inside = rows.with_columns(at.alias("window")).group_by("window", "arm").agg(
        pl.len().alias("n"), pl.col("score").mean().alias("score"), *(pl.col("seconds").quantile(q).alias(name) for name, q in QUANTILES.items()),
    )  # fmt: skip
    turned_down = (
        refused.filter(pl.col("time").is_between(first, last)).unique("request").with_columns(at.alias("window"))
    )
    gone = dict(turned_down.group_by("window").len().iter_rows())
    found: list[dict[str, Any]] = []
    for i in range(n):
        arms = {
            row["arm"]: {name: row[name] for name in ("n", "score", *QUANTILES) if name == "n" or row["n"] >= FEWEST_ROWS}
            for row in inside.filter(pl.col("window") == i).sort("arm").iter_rows(named=True)
        }  # fmt: skip
        start = first + i * length
        found.append(
            {
                "start": start.isoformat(),
                "end": (start + length).isoformat(),
                "arms": arms,
                "refused": int(gone.get(i, 0)),
            }
        )
    return found


def _rules(refused: pl.DataFrame) -> list[dict[str, Any]]:
    """Return which rules of the contract were broken, the most often broken first."""
    if not refused.height:
        return []
    rules = refused.group_by("column", "rule").agg(
        pl.len().alias("n"),
        pl.col("value").drop_nulls().first().alias("example"),
        pl.col("time").max().cast(pl.String).alias("last"),
    )
    return (
        rules.sort("n", "column", "rule", descending=[True, False, False], nulls_last=True).head(MOST_RULES).to_dicts()
    )


def _outcomes(outcomes: pl.DataFrame) -> list[dict[str, Any]]:
    if not outcomes.height:
        return []
    found = outcomes.group_by("name").agg(
        pl.len().alias("n"), pl.col("number").mean().alias("mean"), pl.col("time").max().cast(pl.String).alias("last")
    )
    return found.sort("n", "name", descending=[True, False]).to_dicts()


def _outcome_of(model: Path, outcomes: list[Mapping[str, Any]]) -> str:
    """Return which outcome of a log is a model's target."""
    names = [str(one["name"]) for one in outcomes if one["name"] != "propensity"]
    target = Model.load(model, find).outputs[0].name
    return next((name for name in ("outcome", target) if name in names), names[0] if len(names) == 1 else "outcome")


def _replayed(store: LogStore, model: Path, training: pl.DataFrame | None) -> Result:
    opened = Model.load(model, find)
    missing = (
        [] if training is None else [column.name for column in opened.columns if column.name not in training.columns]
    )
    try:
        if missing:
            raise DataError(
                f"the training rows lack {', '.join(missing)}",
                rule="what is served is compared with the columns that were learned from",
                found=f"the rows have {', '.join([] if training is None else training.columns)}",
                do="name the study that the model is from",
            )
        return replay(store, opened, folder_hash(model), EVERYTHING, training=training)
    except DataError as error:
        return _silent("replay", error)


def _gap(url: str, model: Path, outcome: str) -> Result:
    try:
        return gap_of_log(model, url, outcome=outcome)
    except DataError as error:
        return _silent("gap", error)


def _silent(step: str, error: DataError) -> Result:
    """Return a step that had nothing to say, with its reason."""
    return Result(step, {"silence": error.what, "sentence": f"Nothing can be said: {error.what}."}, (), 0.0)


def _sentence(facts: Mapping[str, Any]) -> str:
    if not facts["n"]:
        return "no row was answered yet"
    arms = ", ".join(f"{one['arm']} {percent(one['share'], 0)}" for one in facts["arms"])
    return f"{facts['n']:,} rows in {facts['n_requests']:,} requests answered: {arms}; {facts['n_refused']:,} requests refused"
