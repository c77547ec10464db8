"""Ahead: from raw rows of series to what a model is asked, and from its answers to rows with times.

Knows what a packaged forecast must know of its table: which columns say when, of which series, and what is known beforehand.
The same layout serves the study and whoever asks the model later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Modality
from fieldguide.core.errors import ContractError, DataError, listed
from fieldguide.core.reading import Violation, read_frame
from fieldguide.core.series.frequency import DAY, Frequency, moment
from fieldguide.core.series.lay_out import lay_out
from fieldguide.core.series.panel import HISTORY, KNOWN, OBSERVED, Panel
from fieldguide.core.table import Column

CALENDAR = {"hour": DAY // 24, "weekday": DAY, "monthday": DAY, "month": 31 * DAY}
"""Calendar parts, and the longest step at which they still change."""


@dataclass(frozen=True)
class Ahead:
    """What is asked of a model at the end of every series.

    Args:
        rows: one raw example a series: its window as a list, what is known beforehand, its static columns.
        names: of the series.
        times: (series, horizon) int64 microseconds, the steps that are forecast.
        unit: (series,) mean change over a season in each window: what intervals are multiples of.
        violations: cells that broke the contract.
    """

    rows: list[dict[str, Any]]
    names: tuple[str, ...]
    times: np.ndarray
    unit: np.ndarray
    violations: tuple[Violation, ...]


def ahead(raw: pl.DataFrame, spec: Mapping[str, Any], modalities: Callable[[str], Modality]) -> Ahead:
    """Return what a model is asked by the rows of series: what comes after the last known step of each.

    Args:
        raw: rows as a table has them: times, series, targets, what is known beforehand (of the coming steps as well, their
            targets empty).
        spec: what the packaged model knows of its table, as `spec_of` gives it.

    Raises:
        ContractError: a column is missing, or a coming value that is known beforehand is not given; names series and time.
        DataError: the rows are no series, or stand on another step.
    """
    columns = [Column.from_dict(column) for column in spec["columns"]]
    table, violations = read_frame(raw, columns, modalities)
    time = str(spec["time"])
    frame = years_as_times(table.frame, time)
    laid = lay_out(frame, time, spec["series"], spec["targets"], spec["known"], spec["static"], spec["observed"])
    frequency, window, horizon = Frequency.from_dict(spec["frequency"]), int(spec["window"]), int(spec["horizon"])
    if laid.frequency != frequency and int(laid.panel.lengths.max()) > 2:
        raise DataError(
            f"the rows stand on steps of {laid.frequency.words}", rule=f"this model forecasts steps of {frequency.words}",
            found=f"the longest series has {int(laid.panel.lengths.max()):,} rows, {laid.frequency.words} apart",
            do="bring rows on the step the model was trained on",
        )  # fmt: skip
    panel = laid.panel
    rows, times, units = [], [], []
    broken = list(violations)
    for number, name in enumerate(panel.names):
        values, own = panel.series(number)[-window:], panel.times_of(number)
        coming = frequency.after(int(own[-1]), np.arange(1, horizon + 1))
        around = np.concatenate([frequency.after(int(own[-1]), np.arange(1 - window, 1)), coming])
        row: dict[str, Any] = {"series": name, time: moment(int(own[-1])), HISTORY: values.tolist()}
        if spec["width"]:
            row[KNOWN] = known_rows(
                _known_of(panel, number, own, horizon, window, name, coming), around, spec["calendar"]
            ).tolist()
        if spec["observed"]:
            seen = panel.observed[panel.grid[number] : panel.grid[number] + len(own)][-window:]
            row[OBSERVED] = np.concatenate([np.full((window - len(seen), seen.shape[1]), np.nan), seen]).tolist()
            broken += _unseen(seen, spec["observed"], str(name), int(laid.ends[panel.units[number]]))
        row |= {column: laid.statics[column][int(panel.units[number])] for column in spec["static"]}
        rows.append(row)
        times.append(coming)
        units.append(unit_of(values[None], int(spec["season"]))[0])
    return Ahead(rows, panel.names, np.stack(times), np.array(units), tuple(broken))


def _unseen(seen: np.ndarray, names: Sequence[str], series: str, row: int) -> list[Violation]:
    """Return the columns of a window (steps, columns) that hold no value: each is answered as if it stood at its mean."""
    rule = f"a number in any of the {len(seen):,} steps that are looked at"
    empty = np.flatnonzero(~np.isfinite(seen).any(axis=0))
    return [Violation(names[int(place)], rule, (row,), (f"series {series}",), len(seen)) for place in empty]


def _known_of(
    panel: Panel, number: int, own: np.ndarray, horizon: int, window: int, name: str, coming: np.ndarray
) -> np.ndarray:
    """Return what is known beforehand of a window and the steps after it: (window + horizon, k), NaN before the series began."""
    k = panel.known.shape[1]
    found = np.full((window + horizon, k), np.nan)
    if not k:
        return found
    last = int(panel.grid[number] + len(own) - 1)
    first_of_unit = int(panel.grid[number])
    begin = max(first_of_unit, last - window + 1)
    found[window - (last - begin + 1) : window] = panel.known[begin : last + 1]
    rest = panel.known[last + 1 : last + 1 + horizon]
    there = panel.times[last + 1 : last + 1 + horizon]
    same = np.zeros(len(there), bool) if not len(there) else there == coming[: len(there)]
    for step in range(horizon):
        if step >= len(there) or not same[step] or np.isnan(rest[step]).any():
            raise ContractError(
                f"what is known beforehand of series {name!r} is not given at {moment(int(coming[step]))}",
                rule=f"rows for the {horizon:,} coming steps have {listed(panel.known_names)}, their targets empty",
                found=f"{step:,} of {horizon:,} coming steps have it without a gap",
                do="add these rows, or package a model that does not use these columns",
            )
        found[window + step] = rest[step]
    return found


def spread(
    asked: Ahead, prediction: np.ndarray, interval: Mapping[str, Any] | None, several: bool, time: str
) -> pl.DataFrame:
    """Return forecasts as rows: series, time, step, prediction, and the ends of the interval where there is one.

    Shape:
        prediction: (series, horizon)
    """
    n, horizon = prediction.shape
    columns: dict[str, Any] = {"series": np.repeat(np.array(asked.names, object), horizon).tolist()} if several else {}
    columns[time] = pl.Series(asked.times.ravel()).cast(pl.Datetime("us"))
    columns["step"] = np.tile(np.arange(1, horizon + 1), n)
    columns["prediction"] = prediction.ravel()
    if interval is not None:
        for end in ("low", "high"):
            columns[f"prediction_{end}"] = (prediction + asked.unit[:, None] * np.array(interval[end])).ravel()
    return pl.DataFrame(columns)


def with_calendar(panel: Panel) -> Panel:
    """Return the panel with calendar parts that change from step to step beside what else is known beforehand."""
    apart = np.diff(panel.times[: int(panel.lengths.max())])
    longest = int(np.median(apart[apart > 0])) if len(apart) else 0
    parts = tuple(name for name, least in CALENDAR.items() if longest <= least and name not in panel.known_names)
    known = np.concatenate([panel.known, calendar(panel.times, parts).astype(np.float32)], axis=1)
    return replace(panel, known=known, known_names=(*panel.known_names, *parts), n_calendar=len(parts))


def known_rows(known: np.ndarray, times: np.ndarray, parts: Sequence[str]) -> np.ndarray:
    """Return what is known beforehand with the calendar beside it: (steps, k + parts)."""
    return np.concatenate([known, calendar(times, parts)], axis=1)


def calendar(times: np.ndarray, parts: Sequence[str]) -> np.ndarray:
    """Return calendar parts of times: (steps, parts) float64.

    Examples:
        >>> calendar(np.array([np.datetime64("2024-02-29T13:00", "us").astype(int)]), ("hour", "weekday", "monthday", "month")).tolist()
        [[13.0, 3.0, 29.0, 2.0]]
    """
    moments = times.astype("datetime64[us]")
    days, months = moments.astype("datetime64[D]"), moments.astype("datetime64[M]")
    found = {
        "hour": (times // CALENDAR["hour"]) % 24, "weekday": (days.astype(np.int64) + 3) % 7,
        "monthday": (days - months.astype("datetime64[D]")).astype(np.int64) + 1, "month": months.astype(np.int64) % 12 + 1,
    }  # fmt: skip
    return np.stack([found[part] for part in parts], axis=1).astype(np.float64) if parts else np.zeros((len(times), 0))


def unit_of(windows: np.ndarray, season: int) -> np.ndarray:
    """Return the mean change over a season within each window (over a step where a window is too short), never 0.

    Shape:
        windows: (rows, steps); returns: (rows,)

    Examples:
        >>> unit_of(np.array([[1.0, 2.0, 4.0], [5.0, 5.0, 5.0]]), 1).tolist()
        [1.5, 1.0]
    """
    lag = season if windows.shape[1] > season else 1
    if windows.shape[1] <= lag:
        return np.ones(len(windows))
    changes = np.abs(windows[:, lag:] - windows[:, :-lag])
    known = np.isfinite(changes)
    mean = np.where(known, changes, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(mean > 0, mean, 1.0)


def years_as_times(frame: pl.DataFrame, time: str) -> pl.DataFrame:
    """Return the frame with a column of whole years as their first of January; other times as they are."""
    if not frame[time].dtype.is_numeric():
        return frame
    return frame.with_columns(pl.datetime(frame[time].cast(pl.Int32), 1, 1, time_unit="us").alias(time))
