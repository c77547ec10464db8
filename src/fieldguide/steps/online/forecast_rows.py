"""Forecast rows: what a model said of the coming steps of series, and what came of those whose time has come, step by step.

Knows the log's forecasts with their series and last known step, and the ways in which a step's true value is told: of a series at a time, of a
prediction at a time, or as a list for a prediction's horizon. What is judged with them is `steps.online.gap`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.answering import folder_hash
from fieldguide.core.errors import DataError
from fieldguide.core.model import Model
from fieldguide.core.online.log import LogStore, Query, micros, predictions
from fieldguide.core.series.ahead import unit_of
from fieldguide.core.series.frequency import Frequency
from fieldguide.core.series.panel import HISTORY, scale_of
from fieldguide.core.statistics.delay import kaplan_meier
from fieldguide.steps.online.outcome_values import steps_in
from fieldguide.steps.online.served_rows import answered_with, names_of, number_of, outcome_of, pause, propensities

ARRIVED = 0.95
"""Share of the true values that arrive at all, from which on a step counts as judged."""
NEVER = -1


@dataclass(frozen=True)
class ForecastRows:
    """Forecasts that were served and the true values of their steps, on the scale the promise was made on.

    Args:
        records: one row per forecast, as `core.online.log.PREDICTIONS`.
        cells: as the model saw them; same rows.
        scale: what the values of each row's series are divided by.
        truth: true values, scaled; NaN where none has come.
        served: what was answered, scaled.
        come: which steps can be told of: their time has come, or their value is there all the same.
        known: of these, whether a value is there, or its absence counts as one.
        mature: whether a step is so long ago that its value has had the time to come.
        blocks: stretches of a series as long as the horizon: what the bootstrap draws.
        propensity: chance with which each row's decision was taken; None where none was logged.
        until: the time up to which steps are mature; None where it is not known.
        facts: n_forecasts, horizon, scaled, unmatched: outcomes that belong to no step of any forecast.

    Shape:
        scale, propensity: (rows,)
        truth, served, come, known, mature, blocks: (rows, horizon)
    """

    records: pl.DataFrame
    cells: pl.DataFrame
    scale: np.ndarray
    truth: np.ndarray
    served: np.ndarray
    come: np.ndarray
    known: np.ndarray
    mature: np.ndarray
    blocks: np.ndarray
    propensity: np.ndarray | None
    until: datetime | None
    facts: Mapping[str, Any]


def forecast_rows(
    store: LogStore, model: Model, outcome: str, wait: str | None, absent: str | None, now: datetime, most: int
) -> ForecastRows:  # fmt: skip
    """Return what a model forecast and what came of it.

    Args:
        outcome, wait, absent: as `served_rows` has them; a step is waited for from its own time on, or from the answer where that was later.
        now: the moment of the look: steps that lie after it are not missed.
        most: forecasts at most; of more, those answered last.

    Raises:
        DataError: the model has answered nothing, or no value of any of its steps is there.
    """
    key, output, spec = folder_hash(model.folder), model.outputs[0], model.forecasts or {}
    outcome = outcome_of(store, output, outcome)
    records, cells = answered_with(store, key, predictions(store, Query(model=key, end=now)), now)
    records, cells = records.tail(most), cells.tail(most)
    horizon = output.width
    times = times_of(records, Frequency.from_dict(spec["frequency"]), horizon)
    values, heard, unmatched = values_of(store.outcomes(Query(name=outcome, known=now)), records, times)
    if not np.isfinite(values).any():
        raise _nothing(store, outcome, records, times, unmatched)
    answered = records["time"].to_physical().to_numpy()[:, None]
    arrived = np.isfinite(values)
    since = np.maximum(times, answered)
    come = arrived | ((times != NEVER) & (since <= micros(now)))
    until = _until(since, heard, arrived, come, now) if wait is None else now - timedelta(microseconds=pause(wait))
    mature = np.ones_like(come) if until is None else since <= micros(until)
    scale, by = _scales(model, records, cells, spec)
    blank = np.nan if absent is None else number_of(absent, output)
    facts = {"n_forecasts": records.height, "horizon": horizon, "scaled": by, "unmatched": unmatched}
    return ForecastRows(
        records, cells, scale, np.where(arrived, values, blank) / scale[:, None],
        np.array(records["outputs"].to_list(), dtype=float)[:, :horizon] / scale[:, None], come, arrived | (absent is not None), mature,
        _blocks(records, times, horizon), propensities(store, records), until, facts,
    )  # fmt: skip


def times_of(records: pl.DataFrame, frequency: Frequency, horizon: int) -> np.ndarray:
    """Return the times of the steps, (rows, horizon) int64 microseconds; NEVER where the log does not know the last known step."""
    origins = records["origin"].to_physical().to_list()
    steps = np.arange(1, horizon + 1)
    after = {origin: frequency.after(origin, steps) for origin in set(origins) if origin is not None}
    nothing = np.full(horizon, NEVER, np.int64)
    return np.stack([nothing if origin is None else after[origin] for origin in origins])


def values_of(
    outcomes: pl.DataFrame, records: pl.DataFrame, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Return the true value of every step (NaN: none), when it was heard of, and which outcomes belong to no step.

    Of several values of a step the one heard of last counts; one that names the prediction before one that names its series.
    """
    rows, horizon = times.shape
    steps = pl.DataFrame({
        "row": np.repeat(np.arange(rows), horizon), "step": np.tile(np.arange(horizon), rows), "at": times.ravel(),
        "id": records["id"].gather(np.repeat(np.arange(rows), horizon)), "series": records["series"].gather(np.repeat(np.arange(rows), horizon)),
        "unit": records["unit"].gather(np.repeat(np.arange(rows), horizon)),
    })  # fmt: skip
    told = outcomes.with_row_index("n").with_columns(
        pl.col("time").to_physical().alias("at"), pl.col("recorded").to_physical().alias("heard")
    )
    found = steps
    used: list[pl.Series] = []
    one = told.filter(pl.col("number").is_not_null())
    own_unit = steps.filter(pl.col("unit") == pl.col("series")).select("unit").unique()
    for name, said, on in (
        ("list", _lists(told), ["id", "step"]), ("id", one.filter(pl.col("id").is_not_null()), ["id", "at"]),
        ("series", one.filter(pl.col("series").is_not_null()), ["series", "at"]),
        # a named series is a unit of its own where the caller named none
        ("unit", one.filter(pl.col("unit").is_not_null()).join(own_unit, on="unit", how="semi"), ["unit", "at"]),
    ):  # fmt: skip
        last = said.sort("heard", "n").unique(on, keep="last", maintain_order=True)
        found = found.join(
            last.select(*on, pl.col("number").alias(f"{name}.value"), pl.col("heard").alias(f"{name}.heard")), on=on, how="left", maintain_order="left"
        )  # fmt: skip
        used.append(said.join(steps, on=on, how="semi")["n"])
    names = ("list", "id", "series", "unit")
    values = found.select(pl.coalesce(f"{name}.value" for name in names).cast(pl.Float64).alias("v"))["v"]
    heard = found.select(pl.coalesce(f"{name}.heard" for name in names).alias("h"))["h"].fill_null(NEVER)
    idle = told.filter(~pl.col("n").is_in(pl.concat(used).unique().implode()))
    example = (
        None
        if not idle.height
        else {
            k: str(v)
            for k, v in idle.select("id", "unit", "series", "time", "label").row(-1, named=True).items()
            if v is not None
        }
    )
    unmatched = {"n": idle.height, "of": outcomes.height, "example": example}
    shape = (rows, horizon)
    return values.fill_null(np.nan).to_numpy().reshape(shape), heard.to_numpy().reshape(shape), unmatched


def _lists(told: pl.DataFrame) -> pl.DataFrame:
    """Return lists for a horizon as one row per step that is known."""
    given = told.filter(pl.col("number").is_null() & pl.col("id").is_not_null())
    read = [steps_in(label) or [] for label in given["label"].to_list()]
    long = given.with_columns(
        pl.Series("number", read, dtype=pl.List(pl.Float64)), pl.Series("step", [list(range(len(one))) for one in read], dtype=pl.List(pl.Int64))
    ).explode("number", "step")  # fmt: skip
    return long.filter(pl.col("number").is_not_null())


def _until(
    since: np.ndarray, heard: np.ndarray, arrived: np.ndarray, come: np.ndarray, now: datetime
) -> datetime | None:
    """Return the time up to which steps may be judged, by how long values take from their step's time on."""
    end = np.where(arrived, heard, micros(now))
    waited = np.maximum((end - since) / 1e6, 0.0)[come]
    wait = kaplan_meier(waited, arrived[come]).wait(ARRIVED) if come.any() else None
    return None if wait is None else now - timedelta(seconds=float(wait))


def _scales(
    model: Model, records: pl.DataFrame, cells: pl.DataFrame, spec: Mapping[str, Any]
) -> tuple[np.ndarray, str]:
    """Return what each row's series is divided by, as in the study, and that in words; a series that it never saw by its own window."""
    said = model.evidence.get("scales")
    season = int(spec["season"])
    windows = [np.array(window, dtype=float) for window in cells[HISTORY].to_list()]
    if said is None:
        return np.array(
            [unit_of(w[None], season)[0] for w in windows]
        ), "each window's mean change over a season: the model tells no scales"
    by, known = str(said["by"]), said["of"]
    if by == "none":
        return np.ones(len(windows)), "not scaled"
    found = []
    for series, window in zip(records["series"].to_list(), windows):
        scale = known.get(series)
        if scale is None:
            own = scale_of(window, by, season)
            scale = own if np.isfinite(own) and own > 0 else 1.0
        found.append(float(scale))
    words = {"seasonal": "mean change over a season", "deviation": "standard deviation"}[by]
    return np.array(found), f"each series' {words}, as in the study"


def _blocks(records: pl.DataFrame, times: np.ndarray, horizon: int) -> np.ndarray:
    """Return codes of stretches of a series as long as the horizon; a forecast whose steps have no times is its own."""
    distinct = np.unique(times)
    stretch = np.searchsorted(distinct, times) // horizon
    names = np.array(
        [f"\x00{ident}" if series is None else series for ident, series in records.select("id", "series").iter_rows()]
    )
    series = np.unique(names, return_inverse=True)[1][:, None]
    codes = series * (int(stretch.max(initial=0)) + 1) + stretch
    return np.unique(codes.ravel(), return_inverse=True)[1].reshape(times.shape)


def _nothing(
    store: LogStore, outcome: str, records: pl.DataFrame, times: np.ndarray, unmatched: Mapping[str, Any]
) -> DataError:
    at = times[times != NEVER]
    span = "no forecast in the log names its series and last known step" if not len(at) else (
        f"the steps of its {records.height:,} forecasts lie from {at.min().astype('datetime64[us]').astype('datetime64[s]')} to "
        f"{at.max().astype('datetime64[us]').astype('datetime64[s]')}"
    )  # fmt: skip
    met = (
        f"; {unmatched['n']:,} outcomes belong to none of them, such as {unmatched['example']}"
        if unmatched["n"]
        else f"; {names_of(store)}"
    )
    return DataError(
        f"the log holds no value {outcome!r} of any step that was forecast", rule="a forecast is judged by the values of its series at its steps",
        found=span + met, do='send {"series": "…", "time": "…", "value": …} to /outcomes, with the times that the forecast names, or name the outcome by --outcome',
    )  # fmt: skip
