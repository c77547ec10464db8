"""Replay: what was logged, through the offline path, gives what was answered; and what was served is like what was learned.

Knows the log, the model and perhaps two tables: the rows it was trained on, and the rows the offline path makes of the same
units today. What of all this is worth saying is the checks', codes FG901 to FG907.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError, nearest
from fieldguide.core.figures import count
from fieldguide.core.files.source import open_source
from fieldguide.core.model import Model
from fieldguide.core.online.log import PREDICTIONS, Logged, LogStore, Query, cell_schema, utc
from fieldguide.core.online.served import Traffic, moved, unseen, windows_of
from fieldguide.core.reading import derive, read_frame
from fieldguide.core.result import Result
from fieldguide.core.rows import Rows
from fieldguide.core.table import Table
from fieldguide.steps.checking import checked

MOST = 200_000
"""Served rows that are compared with training."""


def replay(
    store: LogStore, model: Model, model_hash: str, query: Query, *, training: pl.DataFrame | None = None,
    offline: pl.DataFrame | None = None, tolerance: float | None = None, most: int = MOST,
) -> Result:  # fmt: skip
    """Replay the logged rows of a model and compare what it was served with what it learned.

    Args:
        model_hash: as logged, see `core.answering.folder_hash`.
        training: typed cells of training rows (`typed_rows`); None: skew, drift and coverage are not looked at.
        offline: typed cells the offline path makes of the same units, with `unit` and perhaps `time` (`offline_rows`).
        most: served rows that are compared with training; of more, every k-th is taken. All rows are replayed.
        tolerance: relative difference that is still the same answer; None: the model's own, from its golden rows.

    Raises:
        DataError: the log has never seen the model.
    """
    began = time.perf_counter()
    allowed = float(model.golden.get("tolerance", 1e-5)) if tolerance is None else tolerance
    seen = Query(query.start, query.end, model_hash, query.arm, query.experiment)
    share = min(1.0, most / max(1, store.counts(seen)["predictions"]))
    tally = _Tally(model, allowed)
    parts: list[Logged] = []
    for part in store.scan_cells(model_hash, seen):
        tally.add(part)
        take = np.flatnonzero(
            np.floor(np.arange(len(part.records)) * share) != np.floor((np.arange(len(part.records)) - 1) * share)
        )
        parts.append(part if share == 1.0 else Logged(part.records[take], part.cells[take]))
    records, cells = _together(parts, model)
    refused = store.refusals(Query(query.start, query.end, model_hash, query.arm))
    values: dict[str, Any] = {
        "replayed": tally.facts(), "refused": refused, "n_answered": tally.n, "decided": tally.decided(),
    }  # fmt: skip
    if training is not None:
        values["traffic"] = traffic_of(model, training, records, cells)
    if offline is not None:
        values["matched"] = matched(model, records, cells, offline, allowed)
    facts = {
        "model": model_hash, "replayed": values["replayed"], "decided": values["decided"], "matched": values.get("matched"), "n_refused": refused.height,
        "n_compared": records.height, "traffic": _told(values["traffic"]) if "traffic" in values else None,
        "from": str(records["time"].min()) if records.height else None, "until": str(records["time"].max()) if records.height else None,
    }  # fmt: skip
    facts["sentence"] = _sentence(facts)
    return Result("replay", facts, checked("replay", **values), time.perf_counter() - began)


def typed_rows(model: Model, data: Any) -> pl.DataFrame:
    """Return a table as the model reads it: typed cells of its columns, derived ones included."""
    frame = pl.concat(list(open_source(data).slices(50_000)))
    return read_frame(frame, model.columns, model.modality)[0].frame


def offline_rows(model: Model, path: Path, unit: str, time_column: str | None = None) -> pl.DataFrame:
    """Return a table as the model reads it, with the `unit` of each row and, where a column tells it, its `time`.

    Raises:
        DataError: there is no such column.
    """
    raw = pl.concat(list(open_source(path).slices(50_000)))
    for column in (unit, *([time_column] if time_column else [])):
        if column not in raw.columns:
            raise DataError(
                f"{path} has no column {column!r}{nearest(column, raw.columns)}",
                rule="offline rows are matched with what was served by these columns",
                found=f"its columns are {', '.join(raw.columns)}",
                do="name one of its columns",
            )
    typed = read_frame(raw, model.columns, model.modality)[0].frame.rename(_apart)
    typed = typed.with_columns(raw[unit].cast(pl.String).alias("unit"))
    if time_column is None:
        return typed
    times = [None if value is None else utc(value) for value in raw[time_column].to_list()]
    return typed.with_columns(pl.Series("time", times, dtype=pl.Datetime("us")))


def _apart(name: str) -> str:
    return f"offline.{name}"


class _Tally:
    """Counts of answers that are given again, and of derived cells that are made again, over parts of a log."""

    def __init__(self, model: Model, tolerance: float) -> None:
        self.model, self.tolerance = model, tolerance
        self.n = self.n_exact = self.n_beyond = 0
        self.largest, self.example = 0.0, None  # type: tuple[float, str | None]
        self.columns: dict[str, dict[str, Any]] = {}
        self.n_ruled = self.n_otherwise = 0
        self.otherwise: dict[str, Any] | None = None

    def add(self, part: Logged) -> None:
        if not len(part.records):
            return
        outputs = outputs_of(self.model, part.cells)
        truth = np.array(part.records["outputs"].to_list(), np.float64)
        if truth.shape != outputs.shape:
            raise DataError(
                "the log's answers have another shape than the model's", rule="a model answers what it is packaged for",
                found=f"{count(truth.shape[1], 'number')} a row in the log, {outputs.shape[1]} from the model", do="name the model that was served",
            )  # fmt: skip
        apart = (np.abs(outputs - truth) / (1.0 + np.abs(truth))).max(axis=1)
        self.n += len(apart)
        self.n_exact += int((outputs == truth).all(axis=1).sum())
        self.n_beyond += int((~(apart <= self.tolerance)).sum())
        worst = int(np.nanargmax(apart)) if not np.isnan(apart).all() else 0
        if self.example is None or apart[worst] > self.largest:
            self.largest, self.example = float(apart[worst]), str(part.records["id"][worst])
        self._decide(part, truth)
        made = [column for column in self.model.columns if "expression" in column.read]
        if made:
            stored = [column.name for column in self.model.columns if "expression" not in column.read]
            again = derive(part.cells.select(stored), self.model.columns)
            for column in made:
                self._differ(column.name, part, again[column.name])

    def _decide(self, part: Logged, outputs: np.ndarray) -> None:
        """Hold the logged decisions of rules against what the rules make of the logged answers and cells: exactly."""
        rules = self.model.rules
        if rules is None:
            return
        ends = np.cumsum([output.width for output in self.model.outputs])[:-1]
        found = rules.answer(tuple(np.split(outputs, ends, axis=1)), self.model.thresholds, part.cells)
        logged = part.records["decision"].is_not_null()
        differ = logged & (
            part.records["decision"].ne_missing(found["decision"]) | part.records["rule"].ne_missing(found["rule"])
        )
        self.n_ruled += int(logged.sum())
        self.n_otherwise += int(differ.sum())
        if self.otherwise is None and differ.any():
            at = int(differ.arg_max() or 0)
            record = part.records.row(at, named=True)
            self.otherwise = {
                "id": record["id"], "served": record["decision"], "by": record["rule"], "version": record["rules"],
                "offline": found["decision"][at], "by_offline": found["rule"][at],
            }  # fmt: skip

    def decided(self) -> dict[str, Any] | None:
        """Return how many logged decisions the rules make again; None where the model carries no rules."""
        if self.model.rules is None:
            return None
        return {
            "n": self.n_ruled, "n_rows": self.n, "n_otherwise": self.n_otherwise, "example": self.otherwise,
            "version": self.model.rules.rules.version,
        }  # fmt: skip

    def _differ(self, name: str, part: Logged, again: pl.Series) -> None:
        differ = part.cells[name].ne_missing(again)
        entry = self.columns.setdefault(name, {"n": 0, "example": None})
        entry["n"] += int(differ.sum())
        if entry["example"] is None and differ.any():
            at = int(differ.arg_max() or 0)
            entry["example"] = {
                "id": part.records["id"][at],
                "served": _plain(part.cells[name][at]),
                "offline": _plain(again[at]),
            }

    def facts(self) -> dict[str, Any]:
        return {
            "n": self.n, "n_exact": self.n_exact, "n_beyond": self.n_beyond, "largest": self.largest, "tolerance": self.tolerance,
            "example": self.example, "columns": {name: entry for name, entry in self.columns.items() if entry["n"]},
        }  # fmt: skip


def outputs_of(model: Model, cells: pl.DataFrame) -> np.ndarray:
    """Return all probabilities or values the offline path gives typed cells, (rows, sum of widths) float64."""
    table = Table(cells.select([column.name for column in model.columns]), model.columns)
    return np.concatenate(model.predictor.predict(Rows.of(table, (), model.modality).cells, cells.height), axis=1)


def traffic_of(model: Model, training: pl.DataFrame, records: pl.DataFrame, cells: pl.DataFrame) -> Traffic:
    """Return served rows beside training rows, in windows of time."""
    columns = tuple(column for column in model.columns if column.encoded)
    order = records["time"].arg_sort()
    window, windows = windows_of(records["time"][order].to_list())
    units = records["unit"]
    n_units = units.drop_nulls().n_unique() + units.null_count()
    names = [column.name for column in columns]
    return Traffic(columns, training.select(names), cells.select(names)[order], window, windows, n_units)


def matched(
    model: Model, records: pl.DataFrame, cells: pl.DataFrame, offline: pl.DataFrame, tolerance: float
) -> dict[str, Any]:
    """Compare, cell by cell, what was served for a unit with what the offline path makes of it.

    With a `time` in `offline`, a prediction meets its unit's last offline row at or before it; without, units that stand
    once in `offline` meet their row.

    Returns:
        n (rows that met), columns (name to n that differ, share, largest difference, example), and how much of the
        answers moves when the offline cells are used.
    """
    left = records.select("id", "unit", "time").with_row_index("at").filter(pl.col("unit").is_not_null())
    if "time" in offline.columns:
        met = left.sort("time").join_asof(
            offline.filter(pl.col("time").is_not_null()).sort("time"), on="time", by="unit", strategy="backward", check_sortedness=False
        ).filter(pl.col("unit").is_in(offline["unit"].unique().implode()))  # fmt: skip
        names = [name for name in offline.columns if name.startswith("offline.")]
        met = met.filter(pl.any_horizontal(pl.col(names).is_not_null()))
    else:
        met = left.join(offline.filter(~pl.col("unit").is_duplicated()), on="unit", how="inner")
    mine = cells[met["at"].to_list()]
    own = [column.name for column in model.columns]  # columns that only rules read are not made offline
    theirs = met.select(pl.col(f"offline.{name}").alias(name) for name in own)
    columns: dict[str, dict[str, Any]] = {}
    for name in own:
        one, two = mine[name], theirs[name]
        differ = _differs(one, two)
        if not differ.any():
            continue
        at = int(np.flatnonzero(differ)[0])
        columns[name] = {
            "n": int(differ.sum()), "share": float(differ.mean()), "largest": _largest(one, two),
            "example": {"id": met["id"][at], "unit": met["unit"][at], "served": _plain(one[at]), "offline": _plain(two[at])},
        }  # fmt: skip
    moved_by = (
        np.zeros(0) if not met.height else np.abs(outputs_of(model, theirs) - outputs_of(model, mine)).max(axis=1)
    )
    return {
        "n": met.height, "columns": columns, "n_scores": int((moved_by > tolerance).sum()),
        "mean_move": float(moved_by.mean()) if met.height else 0.0, "largest_move": float(moved_by.max()) if met.height else 0.0,
    }  # fmt: skip


def _differs(one: pl.Series, two: pl.Series) -> np.ndarray:
    if one.dtype != pl.Float64:
        return one.ne_missing(two).to_numpy()
    a, b = (side.fill_null(float("nan")).to_numpy() for side in (one, two))
    close = np.isclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)  # a sum in another order is the same value
    return ~close


def _largest(one: pl.Series, two: pl.Series) -> float | None:
    if one.dtype != pl.Float64:
        return None
    found = (one - two).abs().max()
    return None if found is None else float(found)  # type: ignore[arg-type]


def _together(parts: list[Logged], model: Model) -> tuple[pl.DataFrame, pl.DataFrame]:
    if not parts:
        return pl.DataFrame(schema=PREDICTIONS), pl.DataFrame(schema=cell_schema(model.columns))
    return pl.concat([part.records for part in parts]), pl.concat([part.cells for part in parts])


def _told(traffic: Traffic) -> dict[str, Any]:
    """Return served against training as plain data, per column and window, for reports and metrics."""
    columns = []
    for column in traffic.columns:
        before, after = traffic.training[column.name], traffic.served[column.name]
        entry: dict[str, Any] = {
            "column": column.name, "kind": column.kind, "missing_training": _missing(before), "missing_served": _missing(after),
            "missing_by_window": [_missing(after.filter(pl.Series(traffic.window == i))) for i in range(len(traffic.windows))],
        }  # fmt: skip
        if column in traffic.compared():
            entry["index"] = moved(before, after, traffic.weight).index
            entry["index_by_window"] = [
                moved(before, after.filter(pl.Series(traffic.window == i)), traffic.weight).index for i in range(len(traffic.windows))
            ]  # fmt: skip
        if column.kind == "category":
            entry["unseen"] = len(unseen(before, after)) / max(1, after.len() - after.null_count())
        columns.append(entry)
    windows = [
        {"start": str(start), "end": str(end), "n": int((traffic.window == i).sum())}
        for i, (start, end) in enumerate(traffic.windows)
    ]
    return {
        "n_training": traffic.training.height,
        "n_served": traffic.served.height,
        "n_units": traffic.n_units,
        "windows": windows,
        "columns": columns,
    }


def _missing(values: pl.Series) -> float:
    return values.null_count() / max(1, values.len())


def _sentence(facts: Mapping[str, Any]) -> str:
    found = facts["replayed"]
    if not found["n"]:
        return "no answered row in this time"
    text = f"{found['n']:,} answers replayed, {found['n_exact']:,} bit for bit, {found['n_beyond']:,} beyond {found['tolerance']:g}"
    if facts["decided"] is not None and facts["decided"]["n"]:
        text += f"; {facts['decided']['n']:,} decisions by rules, {facts['decided']['n_otherwise']:,} made otherwise"
    if facts["matched"] is not None:
        text += f"; {facts['matched']['n']:,} met the offline path's cells, {count(len(facts['matched']['columns']), 'column')} differ"
    return text


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, datetime) else value
