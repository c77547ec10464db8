"""Frame a forecast: the series of a table, and the examples that are asked of them.

Before the seal: reads times, keys and whether values are there; of the values themselves nothing. An example is a series at an
origin. How rows become regular steps is `core.series.lay_out`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.documents.config import Config
from fieldguide.core.documents.consistency import check_names
from fieldguide.core.errors import ConfigError, DataError, listed, nearest
from fieldguide.core.files.source import Source, open_source
from fieldguide.core.problem import Limits, Output, Problem
from fieldguide.core.reading import Violation, read_frame
from fieldguide.core.series.ahead import with_calendar, years_as_times
from fieldguide.core.series.lay_out import Laid, lay_out
from fieldguide.core.series.panel import HISTORY, KNOWN, OBSERVED, Examples, Panel
from fieldguide.core.table import Column, Table, row_keys
from fieldguide.parts import find, modality, names
from fieldguide.steps.checking import checked
from fieldguide.steps.detect.calendar import free_name, is_year, time_parts, times_as_names
from fieldguide.steps.detect.columns import detect_columns
from fieldguide.steps.detect.roles import RolesGuess, detect_roles
from fieldguide.steps.detect.task import TaskGuess, questions
from fieldguide.steps.frame.derived import derived, with_inputs
from fieldguide.steps.frame.framed import Framed
from fieldguide.steps.frame.objective import with_objective
from fieldguide.steps.frame.statement import statement
from fieldguide.steps.split.split import Request

SLICE = 200_000
LONGEST_WINDOW = 512
FEWEST_EXAMPLES = 20
MOST_EXAMPLES = 400_000
"""Beyond it, only every n-th origin becomes an example: neighbours tell nearly the same."""


def frame_series(config: Config) -> Framed:
    """Return the problem that study.yaml states and the examples of the series it is asked of.

    Raises:
        ConfigError: names or settings that do not fit the table.
        DataError: the table holds no series that can be forecast; names the row.
    """
    source = open_source(config.data.table)
    check_names(
        config, source.names, {kind: names(kind) for kind in ("tasks", "metrics", "losses", "calibrators", "learners")}
    )
    columns, guess = look_at_series(source, config)
    frame, violations = read_series(source, columns)
    time = next(column.name for column in columns if column.role == "time")
    data = config.data
    laid = lay_out(frame, time, data.series, config.problem.targets, data.known_future, data.static, data.observed)
    examples, sizes = examples_of(laid, config)
    marked = None if config.split.column is None else _marked(frame, examples, time, config)
    problem = _problem(config, examples)
    table = _table(laid, examples, columns, time, config)
    problem = with_objective(problem, config.problem, table)
    request = Request(
        test=config.split.test if isinstance(config.split.test, float) else None,
        given=None if marked is None else marked == 1, train=None if marked is None else marked == 0,
        validation=config.split.validation, folds=config.split.folds, repeats=config.split.repeats, by="chronological", sample=config.data.sample,
    )  # fmt: skip
    task = TaskGuess(
        "forecast", "number", why=f"the next {examples.horizon} steps of {laid.frequency.words} are asked for"
    )
    asked = [
        entry
        for entry in questions((), RolesGuess(), task)
        if not getattr(config.problem, entry["key"].split(".")[-1], "")
    ]
    series = {**laid.facts, **sizes, "scale": scale_by(config, examples.panel)}
    facts = {
        "sentence": f"forecast of {problem.output.name}: {examples.horizon} steps of {laid.frequency.words} ahead, {len(examples):,} examples of "
        f"{len(examples.panel):,} series",
        "problem": problem.to_dict(), "columns": [column.to_dict() for column in columns], "roles": guess.to_dict(), "tasks": {problem.output.name: task.to_dict()},
        "questions": asked, "statement": statement(config, problem, frame.height, 0, asked, None), "n_rows": frame.height, "proxy": None,
        "n_without_target": 0, "violations": [v.to_dict() for v in violations], "table": str(config.data.table), "contract": None, "population": {},
        "series": series,
    }  # fmt: skip
    findings = checked(
        "frame",
        problem=problem,
        questions=asked,
        statement=facts["statement"],
        read_violations=violations,
        series=series,
    )
    return Framed(
        problem,
        table.columns,
        table,
        row_keys(table.frame.select("series", time)),
        None,
        request,
        facts,
        findings,
        {},
        examples,
    )


def look_at_series(source: Source, config: Config) -> tuple[tuple[Column, ...], RolesGuess]:
    """Return the columns a forecast reads, with kinds and roles; everything else is set aside."""
    data, targets = config.data, config.problem.targets
    if config.problem.horizon is None:
        raise ConfigError(
            "problem.horizon is not stated",
            rule="a forecast says how many steps ahead",
            found="problem.task is forecast, and problem.horizon is empty",
            do="set problem.horizon, such as 24",
        )
    for place in ("series", "known_future", "static", "observed"):
        for name in getattr(data, place):
            if name not in (*source.names, *data.derive):
                raise ConfigError(
                    f"data.{place} names {name!r}, which is no column{nearest(name, source.names)}",
                    rule=f"data.{place} names columns of the table",
                    found=f"the columns are {listed(source.names)}",
                    do=f"correct the name under data.{place}"
                )  # fmt: skip
            if name in targets:
                raise ConfigError(
                    f"data.{place} names the target {name!r}",
                    rule="a target is not known beforehand",
                    found=f"{name!r} stands under data.{place} and is the target",
                    do=f"take it out of data.{place}",
                )
    given = {name: said.kind for name, said in data.columns.items() if said.kind is not None}
    columns = detect_columns(source, given=given, targets=targets)
    guess = detect_roles(source, columns)
    columns = (*columns, *derived(data.derive, columns))
    columns, time = (columns, data.time) if data.time else _timed(columns, guess)
    used = {
        **dict.fromkeys(data.series, "group"),
        **dict.fromkeys((*data.known_future, *data.static, *data.observed), "feature"),
        time: "time",
    }
    if config.split.column is not None:
        used[config.split.column] = "ignore"
    found = []
    for column in columns:
        said = data.columns[column.name].reading() if column.name in data.columns else {}
        column = replace(
            column,
            role=used.get(column.name, "ignore" if column.name not in targets else "target"),
            read={**column.read, **said},
        )
        if column.name in targets:
            column = replace(column, kind="number")
        elif column.name in data.series or column.name == config.split.column:
            column = replace(column, kind="category")
        elif column.name in (*data.known_future, *data.observed) and column.kind not in ("number", "boolean"):
            raise ConfigError(
                f"data.{'known_future' if column.name in data.known_future else 'observed'} names {column.name!r}, which is a {column.kind}", rule="what stands beside a series is a number or true and false",
                found=f"kind: {column.kind}",
                do=f"write {column.name!r} as numbers, such as one 0/1 column for each of its values",
            )  # fmt: skip
        found.append(column)
    return tuple(found), guess


def _timed(columns: tuple[Column, ...], guess: RolesGuess) -> tuple[tuple[Column, ...], str]:
    """Return the columns and the name of their times: the one that acts as time, the only date, a date that its parts make, or years."""
    sure = [g.column for g in guess.time if g.sure]
    dates = [column.name for column in columns if column.kind == "datetime" and column.role != "target"]
    years = [column.name for column in columns if is_year(column) and column.role != "target"]
    parts = time_parts(columns)
    if not sure and not dates and parts is not None:
        name = free_name({column.name for column in columns})
        return (*columns, *derived({name: parts.expression}, columns)), name
    found = sure[:1] or (dates if len(dates) == 1 else []) or (years if len(years) == 1 and not dates else [])
    if not found:
        raise _no_times(columns, dates)
    return columns, found[0]


def _no_times(columns: Sequence[Column], dates: Sequence[str]) -> DataError:
    wide = times_as_names([column.name for column in columns])
    if wide and not dates:
        return DataError(
            f"the table is wide: {len(wide)} of its columns are named like times ({listed(wide, 3)})",
            rule="a series has a column of times, and a row for each time",
            found="no column of dates",
            do="make a row of each such cell: in polars frame.unpivot(index=[the other columns], variable_name='time', "
            "value_name='value'), in pandas frame.melt(...)",
        )
    if dates:
        return DataError(
            f"{len(dates)} columns hold dates, and none is surely the time of the rows", rule="a series has one column of times",
            found=f"columns of dates: {listed(dates)}", do=f"say which: --time {dates[0]}, or data.time in study.yaml",
        )  # fmt: skip
    seen = [
        f"{c.name!r} ({c.kind}: {listed(map(str, c.facts['examples'][:2]))})"
        for c in columns
        if c.facts.get("examples")
    ]
    return DataError(
        "no column says when a row happened", rule="a series has a column of times: dates, quarters such as 1974Q1, or whole years",
        found=f"columns of dates: none; seen: {listed(seen, 4)}",
        do="name it with --time COLUMN; where it is spelled in a way of its own, declare data.columns.<name>.read.formats, and where its "
        "parts stand in columns, data.derive, such as {when: 'date(year, month)'}",
    )  # fmt: skip


def read_series(source: Source, columns: Sequence[Column]) -> tuple[pl.DataFrame, tuple[Violation, ...]]:
    """Read what a forecast needs, typed, in file order; a number that counts years becomes their first of January."""
    read = [c for c in columns if c.role != "ignore" or (c.kind == "category" and "expression" not in c.read)]
    needed = [_plainly(column) for column in with_inputs(read, columns)]
    frames: list[pl.DataFrame] = []
    violations: list[Violation] = []
    first = 0
    for raw in source.slices(SLICE):
        table, broken = read_frame(raw, needed, modality, first_row=first)
        frames.append(table.frame)
        violations += broken
        first += raw.height
    frame = pl.concat(frames) if frames else pl.DataFrame()
    time = next(column for column in columns if column.role == "time")
    if time.kind == "number":
        years = frame[time.name]
        if years.null_count() or not bool(((years >= 1000) & (years <= 2999) & (years == years.round())).all()):
            raise ConfigError(
                f"data.time names {time.name!r}, which is a number", rule="times are dates, datetimes or whole years",
                found=f"cells such as {time.facts.get('examples')}", do=f"declare data.columns.{time.name}.read.formats, or another column",
            )  # fmt: skip
        frame = years_as_times(frame, time.name)
    elif time.kind != "datetime":
        raise ConfigError(
            f"data.time names {time.name!r}, which is a {time.kind}", rule="the time column holds dates or datetimes",
            found=f"cells such as {time.facts.get('examples')}", do=f"declare data.columns.{time.name}.read.formats, or another column",
        )  # fmt: skip
    return frame, tuple(violations)


def _plainly(column: Column) -> Column:
    """Return the column as it is read: years are numbers first."""
    return replace(column, role="feature") if column.role == "time" and column.kind == "number" else column


def examples_of(laid: Laid, config: Config) -> tuple[Examples, dict[str, Any]]:
    """Return the examples of series, and the sizes that were chosen where study.yaml states none.

    Raises:
        DataError: no series is long enough; names the longest.
    """
    said, panel = config.problem, with_calendar(laid.panel)
    horizon = int(said.horizon or 1)
    longest = int(panel.lengths.max())
    season = said.season or next((s for s in laid.frequency.seasons if 2 * s + horizon <= longest), 1)
    usual = int(np.median(panel.lengths))
    window = said.window or max(min(2 * season, usual // 3), min(LONGEST_WINDOW, (usual - horizon) // 4), 1)
    stride = max(1, int(np.maximum(panel.lengths - window - horizon + 1, 0).sum()) // MOST_EXAMPLES)
    origins = panel.origins(window, horizon, stride)
    examples = Examples(panel, origins, window, horizon, season, laid.frequency)
    if len(np.unique(panel.times_at(origins))) < FEWEST_EXAMPLES:
        name = panel.names[int(panel.lengths.argmax())]
        raise DataError(
            f"a horizon of {horizon:,} steps after a window of {window:,} leaves {len(np.unique(panel.times_at(origins))):,} origins",
            rule=f"there are at least {FEWEST_EXAMPLES} moments from which to look ahead, with the whole target known",
            found=f"the longest of {len(panel):,} series is {name!r} with {longest:,} steps of {laid.frequency.words}, {laid.facts['n_missing']:,} "
            "of all steps missing",
            do=f"take a horizon of at most {max(1, (longest - FEWEST_EXAMPLES) // 4):,}, a shorter problem.window, or bring a longer series",
        )  # fmt: skip
    short = [panel.names[i] for i in np.setdiff1d(np.arange(len(panel)), origins.series)]
    return examples, {
        "horizon": horizon, "window": window, "season": season, "season_declared": said.season is not None, "stride": stride,
        "n_examples": len(examples), "n_short": len(short), "short": short[:20],
    }  # fmt: skip


def scale_by(config: Config, panel: Panel) -> str:
    """Return how series are scaled before they are compared: as declared, as the metric needs, else several series by their season."""
    if config.data.scale is not None:
        return config.data.scale
    if config.problem.metric_name == "mase":
        return "seasonal"
    if config.problem.metric_name is not None:
        return "deviation" if len(panel) > 1 and config.problem.metric_name != "smape" else "none"
    return "seasonal"


def _problem(config: Config, examples: Examples) -> Problem:
    said, task = config.problem, find("tasks", "forecast")()
    metric = find("metrics", said.metric_name)(**said.metric_settings) if said.metric_name else None
    name = said.targets[0] if len(said.targets) == 1 else "value"
    output = Output(name, task, task.steps(examples.horizon), metric)
    if metric is not None and "vector" not in metric.families:
        able = [name for name in names("metrics") if "vector" in find("metrics", name).families]
        raise ConfigError(
            f"metric {metric.name!r} cannot judge a forecast", rule="a metric suits the task", found="the task is forecast", do=f"use one of {', '.join(able)}"
        )  # fmt: skip
    if said.transform != "identity":
        raise ConfigError(
            f"problem.transform is {said.transform}",
            rule="forecasts are learned on the scale of their series",
            found=f"transform: {said.transform}",
            do="remove problem.transform",
        )
    return Problem(
        (output,), said.goal, said.unit, said.decision, said.prediction_time, {}, said.success, Limits(said.limits.latency_ms, said.limits.megabytes),
        said.purpose, said.assumptions,
    )  # fmt: skip


def spec_of(laid: Laid, examples: Examples, columns: Sequence[Column], time: str, config: Config) -> dict[str, Any]:
    """Return what a packaged model must know of its table to be asked by plain rows (see `core.series.ahead`)."""
    known = tuple(config.data.known_future)
    used = [c for c in columns if c.role in ("time", "group", "target", "feature")]
    needed = [replace(_plainly(c), facts={}) for c in with_inputs(used, columns)]
    return {
        "columns": [column.to_dict() for column in needed], "time": time, "series": list(config.data.series), "targets": list(config.problem.targets),
        "known": list(known), "static": list(config.data.static), "observed": list(config.data.observed), "calendar": list(examples.panel.known_names[len(known) :]),
        "width": examples.panel.known.shape[1], "window": examples.window, "horizon": examples.horizon, "season": examples.season,
        "frequency": laid.frequency.to_dict(),
    }  # fmt: skip


def _table(laid: Laid, examples: Examples, columns: Sequence[Column], time: str, config: Config) -> Table:
    """Return the examples as a table: who, when, what does not change, and where windows are; windows stay in the panel."""
    panel, origins = examples.panel, examples.origins
    statics = [c for c in columns if c.name in laid.statics.columns]
    taken = {"series", HISTORY, KNOWN, OBSERVED, time} & {c.name for c in statics}
    if taken:
        raise ConfigError(
            f"data.static names {listed(sorted(taken))}",
            rule="these names are the examples' own",
            found=f"{len(taken)} of them: {listed(sorted(taken))}",
            do="rename the column",
        )
    frame = pl.DataFrame({
        "series": pl.Series(np.array(panel.names, object)[origins.series].tolist(), dtype=pl.String),
        time: pl.Series(panel.times_at(origins)).cast(pl.Datetime("us")),
        HISTORY: pl.Series(origins.at), KNOWN: pl.Series(panel.known_at(origins)), OBSERVED: pl.Series(panel.known_at(origins)),
    })  # fmt: skip
    frame = frame.with_columns(laid.statics[c.name].gather(panel.units[origins.series]) for c in statics)
    width, n_observed = panel.known.shape[1], panel.observed.shape[1]
    many = len(panel) > 1
    made = [
        Column("series", "category", "feature" if many else "ignore", {}, {"why": "names of series"}),
        Column(time, "datetime", "time"),
        Column(
            HISTORY,
            "window",
            "feature",
            {"length": examples.window, "ahead": spec_of(laid, examples, columns, time, config)},
        ),
        Column(
            KNOWN,
            "window",
            "feature" if width else "ignore",
            {"length": examples.window + examples.horizon, "width": width},
        ),
        Column(
            OBSERVED, "window", "feature" if n_observed else "ignore", {"length": examples.window, "width": n_observed}
        ),
        *(replace(c, role="feature") for c in statics),
    ]
    return Table(frame.select([c.name for c in made]), tuple(made))


def _marked(frame: pl.DataFrame, examples: Examples, time: str, config: Config) -> np.ndarray:
    """Return each example's part by the rows its target stands on: 1 test, 0 development, 2 neither (it straddles the mark)."""
    column = str(config.split.column)
    marks = (frame[column].cast(pl.String) == str(config.split.test)).fill_null(False).to_numpy()
    if not marks.any() or marks.all():
        raise ConfigError(
            f"split.column {column!r} marks {int(marks.sum()):,} of {frame.height:,} rows as {str(config.split.test)!r}", rule="some rows are test rows and some are not",
            found=f"{int(marks.sum()):,} of {frame.height:,} rows have the mark",
            do="correct split.test, the value that marks test rows"
        )  # fmt: skip
    panel, origins = examples.panel, examples.origins
    times = frame[time].cast(pl.Datetime("us")).to_physical().to_numpy()
    first = int(times[marks].min())
    if (times[~marks] >= first).any():
        row = int(np.flatnonzero(~marks & (times >= first))[0])
        raise ConfigError(
            f"split.column {column!r} marks test rows that are not the latest", rule="what is forecast lies after everything learned from",
            found=f"row {row} at {times[row].astype('datetime64[us]').astype('datetime64[s]')} is no test row, the first test row is earlier",
            do="mark the latest rows of all series, or leave out split.column and state split.test as a share",
        )  # fmt: skip
    at = panel.known_at(origins)
    begins, ends = panel.times[at + 1] >= first, panel.times[at + examples.horizon] >= first
    return np.where(begins, 1, np.where(ends, 2, 0))
