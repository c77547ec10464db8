"""Lay out: from typed rows with times to series on regular steps, with every gap, repeat and disorder counted.

Knows rows, times and keys of series. What a table cannot mean (one series with two values at one time, times without a step)
stops here, with the row named; what can be read all the same is counted and told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError, listed
from fieldguide.core.series.frequency import Frequency, day_or_moment, frequency_of
from fieldguide.core.series.panel import Panel

MOST_CONFLICTS = 0.005
"""Share of rows that may repeat a time with other values: the last one counts, and it is told."""
LEAST_ON_GRID = 0.9
"""Share of times that stand on the step of the series; below it they have none."""
SPARSEST = 20
"""Steps a row may make on average: a single date far away would make millions."""
SHOWN = 20


@dataclass(frozen=True)
class Laid:
    """A panel, and what was seen on the way to it as plain data.

    Shape:
        ends: (units,) the row of the table that is each unit's latest
    """

    panel: Panel
    frequency: Frequency
    facts: dict[str, Any]
    statics: pl.DataFrame
    ends: np.ndarray


def lay_out(
    frame: pl.DataFrame, time: str, series: Sequence[str], targets: Sequence[str], known: Sequence[str], static: Sequence[str],
    observed: Sequence[str] = (),
) -> Laid:  # fmt: skip
    """Return the series of a table.

    Args:
        frame: typed rows in file order.
        time, series: columns that say when, and of which series; no series column: the table is one.
        targets: value columns; several are a series each.
        known: number columns that are known beforehand.
        static: columns that do not change within a series.
        observed: number columns that are seen once a step is over.

    Raises:
        DataError: a row has no time; a time has two values; times have no regular step; no series holds a value.
    """
    row = np.arange(frame.height)
    _refuse_no_time(frame[time])
    times = frame[time].cast(pl.Datetime("us")).to_physical().to_numpy()
    keys = _keys(frame, series)
    names, unit = np.unique(keys, return_inverse=True)
    n_unsorted, first_unsorted = _unsorted(unit, times)
    order = np.lexsort((row, times, unit))
    unit, times, row = unit[order], times[order], row[order]
    values = frame.select(targets).to_numpy()[order].astype(np.float64).reshape(len(row), -1)
    kept, repeats = _once(unit, times, row, values, names, frame, time, series)
    unit, times, row, values = unit[kept], times[kept], row[kept], values[kept]
    starts = np.concatenate([[0], np.cumsum(np.bincount(unit, minlength=len(names)))])
    step = _step(times, starts, row, names, time)
    grid = _grid(times, starts, row, names, step)
    laid = _placed(grid, unit, values, names, targets, frame, (known, observed), row)
    facts = {
        "n_rows": frame.height, "n_series": len(laid["panel"].names), "frequency": step.to_dict(), "series_columns": list(series),
        "n_unsorted": n_unsorted, "first_unsorted": first_unsorted, **repeats, "n_off_grid": grid["n_off"], "off_grid_rows": grid["off_rows"],
        "n_steps": int(laid["panel"].lengths.sum()), **_gaps(laid["panel"]), "empty": laid["empty"],
        "beside": _beside(laid["panel"], known, observed),
        "from": day_or_moment(int(laid["panel"].times.min())), "to": day_or_moment(int(laid["panel"].times.max())),
        "lengths": {"least": int(laid["panel"].lengths.min()), "most": int(laid["panel"].lengths.max())},
    }  # fmt: skip
    return Laid(laid["panel"], step, facts, _statics(frame, series, static, names, keys), row[starts[1:] - 1])


def _refuse_no_time(times: pl.Series) -> None:
    missing = np.flatnonzero(times.is_null().to_numpy())
    if len(missing):
        raise DataError(
            f"column {times.name!r} has no time in {len(missing):,} rows, such as row {missing[0]}",
            rule="every row of a series says when",
            found=f"{len(missing):,} of {len(times):,} cells cannot be read as times",
            do="correct or drop these rows, or declare data.columns.<name>.read.formats",
        )  # fmt: skip


def _keys(frame: pl.DataFrame, series: Sequence[str]) -> np.ndarray:
    """Return what names each row's series: the texts of its columns, joined."""
    if not series:
        return np.full(frame.height, "", dtype=object)
    for name in series:
        missing = np.flatnonzero(frame[name].is_null().to_numpy())
        if len(missing):
            raise DataError(
                f"column {name!r} names no series in {len(missing):,} rows, such as row {missing[0]}",
                rule="every row belongs to a series",
                found=f"{len(missing):,} of {frame.height:,} cells are empty",
                do="fill these cells or drop the rows",
            )  # fmt: skip
    return (
        frame.select(pl.concat_str([pl.col(name).cast(pl.String) for name in series], separator=" / "))
        .to_series()
        .to_numpy()
    )


def _unsorted(unit: np.ndarray, times: np.ndarray) -> tuple[int, int | None]:
    """Return how many rows are earlier than the row of their series before them in the file, and the first such row."""
    order = np.lexsort((np.arange(len(unit)), unit))
    back = (np.diff(times[order]) < 0) & (np.diff(unit[order]) == 0)
    rows = order[1:][back]
    return len(rows), int(rows.min()) if len(rows) else None


def _once(
    unit: np.ndarray, times: np.ndarray, row: np.ndarray, values: np.ndarray, names: np.ndarray, frame: pl.DataFrame, time: str,
    series: Sequence[str],
) -> tuple[np.ndarray, dict[str, Any]]:  # fmt: skip
    """Return which rows are kept, one for each time of a series (the last in the file), and what was repeated."""
    again = (np.diff(unit) == 0) & (np.diff(times) == 0)
    same = again & ((values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))).all(axis=1)
    other = np.flatnonzero(again & ~same)
    pairs = [
        {"rows": [int(row[i]), int(row[i + 1])], "series": str(names[unit[i]]), "time": day_or_moment(int(times[i]))}
        for i in other[:SHOWN]
    ]
    if len(other) > MOST_CONFLICTS * len(row):
        first = pairs[0]
        of = f" of series {first['series']!r}" if first["series"] else ""
        could = tell_apart(frame, time, series)
        raise DataError(
            f"rows {first['rows'][0]} and {first['rows'][1]}{of} have the same time, {first['time']}, and different values",
            rule="a series has one value at a time",
            found=f"{len(other):,} such pairs of rows",
            do=f"say which column tells series apart: data.series: {could}" if could else "name the column that tells series apart under "
            "data.series, or sum or average these rows first",
        )  # fmt: skip
    kept = np.concatenate([~again, [True]]) if len(row) else np.zeros(0, bool)
    return kept, {"n_repeated": int(same.sum()), "n_conflicts": len(other), "conflicts": pairs}


def tell_apart(frame: pl.DataFrame, time: str, series: Sequence[str]) -> str:
    """Return a column with which no time is repeated, where there is one of texts."""
    for name in frame.columns:
        if (
            frame[name].dtype == pl.String
            and name not in series
            and not frame.select([time, *series, name]).is_duplicated().any()
        ):
            return name
    return ""


def _step(times: np.ndarray, starts: np.ndarray, row: np.ndarray, names: np.ndarray, time: str) -> Frequency:
    found = frequency_of(times, starts)
    if found is None:
        raise DataError(
            f"no series has two different times in column {time!r}", rule="a series has steps",
            found=f"{len(names):,} series in {len(times):,} rows", do="check data.time and data.series",
        )  # fmt: skip
    step, share = found
    if share < LEAST_ON_GRID:
        for a, b in pairwise(starts):
            off = np.flatnonzero(step.numbers(times[a:b])[1] > 1e-6)
            if len(off):
                where = int(a + off[0])
                break
        raise DataError(
            f"the times in column {time!r} have no regular step",
            rule=f"at least {LEAST_ON_GRID:.0%} of the times of a series stand on one step, which gaps may interrupt",
            found=f"{share:.0%} stand on the most frequent one, {step.words}; row {int(row[where])} at {day_or_moment(int(times[where]))} does not",
            do="sum or average the rows to a regular step first",
        )  # fmt: skip
    return step


def _grid(times: np.ndarray, starts: np.ndarray, row: np.ndarray, names: np.ndarray, step: Frequency) -> dict[str, Any]:
    """Return the regular steps of every unit, and the place of each row on them."""
    grids, places, begins, n_off, total = [], np.zeros(len(times), np.int64), [], 0, 0
    off_rows: list[int] = []
    for number, (a, b) in enumerate(pairwise(starts)):
        numbers, off = step.numbers(times[a:b])
        numbers = numbers - numbers[0]
        length = int(numbers[-1]) + 1
        if length > SPARSEST * (b - a) + 1000:
            jump = int(np.diff(times[a:b]).argmax())
            raise DataError(
                f"series {str(names[number]) or 'of the table'} has {b - a:,} rows on {length:,} steps of {step.words}",
                rule=f"a series has a value in one step of {SPARSEST} at least",
                found=f"row {int(row[a + jump + 1])} at {day_or_moment(int(times[a + jump + 1]))} follows {day_or_moment(int(times[a + jump]))}",
                do="correct that time, or take the rows to a longer step",
            )
        bad = np.flatnonzero(off > 1e-6)
        n_off += len(bad)
        off_rows += [int(row[a + i]) for i in bad[: SHOWN - len(off_rows)]]
        places[a:b] = total + numbers
        begins.append(total)
        grids.append(step.after(int(times[a]), np.arange(length)))
        total += length
    return {
        "times": np.concatenate(grids), "places": places, "begins": np.array([*begins, total]), "n_off": n_off, "off_rows": off_rows
    }  # fmt: skip


def _placed(
    grid: dict[str, Any], unit: np.ndarray, values: np.ndarray, names: np.ndarray, targets: Sequence[str], frame: pl.DataFrame,
    beside: tuple[Sequence[str], Sequence[str]], row: np.ndarray,
) -> dict[str, Any]:  # fmt: skip
    """Put values on their steps: a series per unit and target, from its first known step to its last."""
    begins, places = grid["begins"], grid["places"]
    dense = np.full((begins[-1], values.shape[1]), np.nan)
    dense[places] = np.where(np.isfinite(values), values, np.nan)
    parts, titles, starts, at, units, empty = [], [], [0], [], [], []
    for number, name in enumerate(names):
        for place, target in enumerate(targets):
            title = " · ".join(part for part in (str(name), target if len(targets) > 1 or not name else "") if part)
            one = dense[begins[number] : begins[number + 1], place]
            there = np.flatnonzero(np.isfinite(one))
            if not len(there):
                empty.append(title)
                continue
            parts.append(one[there[0] : there[-1] + 1])
            titles.append(title)
            starts.append(starts[-1] + len(parts[-1]))
            at.append(begins[number] + there[0])
            units.append(number)
    if not parts:
        raise DataError(
            f"no value is known of {listed(targets)}",
            rule="a target is known in some rows",
            found=f"{frame.height:,} rows, and no number in any of them",
            do="look at the column in the file, or name another by problem.target",
        )
    known, observed = (np.full((begins[-1], len(columns)), np.nan, np.float32) for columns in beside)
    for array, columns in zip((known, observed), beside, strict=True):
        if columns:
            array[places] = frame.select(pl.col(columns).cast(pl.Float32)).to_numpy()[row]
    panel = Panel(
        tuple(titles), np.concatenate(parts), np.array(starts), grid["times"], np.array(at), known, tuple(beside[0]), np.array(units), None, observed
    )  # fmt: skip
    return {"panel": panel, "empty": empty}


def _gaps(panel: Panel) -> dict[str, Any]:
    """Return how many steps are missing, in how many stretches, and the longest of them."""
    missing = np.isnan(panel.values)
    stretches = []
    for number in range(len(panel)):
        one = missing[panel.starts[number] : panel.starts[number + 1]]
        edges = np.flatnonzero(np.diff(np.concatenate([[0], one.astype(np.int8), [0]])))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            stretches.append((int(end - begin), number, int(begin)))
    stretches.sort(reverse=True)
    return {
        "n_missing": int(missing.sum()), "n_gaps": len(stretches),
        "gaps": [
            {"series": panel.names[number], "steps": length, "from": day_or_moment(int(panel.times_of(number)[begin]))}
            for length, number, begin in stretches[:SHOWN]
        ],
    }  # fmt: skip


def _beside(panel: Panel, known: Sequence[str], observed: Sequence[str]) -> list[dict[str, Any]]:
    """Return how many steps each column beside the series lacks, between the first value of its series and the last."""
    lived = np.zeros(len(panel.times), bool)
    for begin, length in zip(panel.grid, panel.lengths, strict=True):
        lived[begin : begin + length] = True
    arrays = ((known, panel.known, "known_future"), (observed, panel.observed, "observed"))
    return [
        {
            "column": name, "role": role, "n_steps": int(lived.sum()), "n_missing": int(np.isnan(array[lived, place]).sum()),
        }
        for columns, array, role in arrays
        for place, name in enumerate(columns)
    ]  # fmt: skip


def _statics(
    frame: pl.DataFrame, series: Sequence[str], static: Sequence[str], names: np.ndarray, keys: np.ndarray
) -> pl.DataFrame:
    """Return the static columns, a row per unit; a column that changes within a series is not static.

    Raises:
        DataError: names the column, the series and its values.
    """
    if not static:
        return pl.DataFrame({"series": pl.Series([str(name) for name in names], dtype=pl.String)})
    told = frame.select(static).with_columns(pl.Series("series", keys.astype(str)))
    for name in static:
        several = told.group_by("series").agg(pl.col(name).drop_nulls().unique()).filter(pl.col(name).list.len() > 1)
        if several.height:
            one = several.sort("series").row(0, named=True)
            raise DataError(
                f"column {name!r} changes within series {one['series']!r}", rule="a static column has one value a series",
                found=f"values {listed(sorted(map(str, one[name])))} in {several.height:,} series with several",
                do="remove it from data.static, or name it under data.known_future where it is known beforehand",
            )  # fmt: skip
    found = told.group_by("series").agg(pl.col(name).drop_nulls().first() for name in static)
    return pl.DataFrame({"series": [str(name) for name in names]}).join(
        found, on="series", how="left", maintain_order="left"
    )
