"""Begin a forecast: study.yaml from a first look at the series.

Knows how the file reads: the step, the season and the columns that were guessed are marked, and so is what only a person can answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from fieldguide.core.documents.config import Config
from fieldguide.core.documents.document import in_one_line
from fieldguide.core.documents.sections import DataSection
from fieldguide.core.errors import listed
from fieldguide.core.files.source import Source
from fieldguide.core.series.lay_out import Laid, lay_out, tell_apart
from fieldguide.core.table import Column
from fieldguide.steps.detect.calendar import times_as_names
from fieldguide.steps.frame.derived import with_inputs
from fieldguide.steps.frame.series import examples_of, look_at_series, read_series

DATA_KEYS = ("time", "series", "known_future", "static", "observed", "scale")


@dataclass(frozen=True)
class Seen:
    """What a first look at the table of a forecast finds.

    Args:
        time: name of the time column; `made` is its expression where other columns (`inputs`) say when.
        series: columns that name the series; `found` is the one that was not named and tells them apart.
        alike: columns with one value a series; `others` are those nothing is said of.
        wide: columns named like times.
    """

    time: str
    made: str | None
    inputs: tuple[str, ...]
    laid: Laid
    series: tuple[str, ...]
    found: str
    alike: tuple[str, ...]
    others: tuple[str, ...]
    wide: tuple[str, ...]


def series_text(source: Source, config: Config, table: str) -> str:
    """Return study.yaml of a forecast as text.

    Raises:
        ConfigError, DataError: the table holds no series that can be forecast; names the row.
    """
    said, seen = config.problem, _seen(source, config)
    examples, sizes = examples_of(seen.laid, config)
    season = "" if said.season is not None else f"  # = usual for steps of {seen.laid.frequency.words}"
    lines = [
        "# Lines marked ? only a person can answer; lines marked = were guessed from the data. See `fieldguide schema`.",
        "problem:",
        *_words(said),
        f"  target: {in_one_line(list(said.targets) if len(said.targets) > 1 else said.targets[0])}",
        "  task: forecast",
        f"  horizon: {examples.horizon}  # steps of {seen.laid.frequency.words}",
        f"  season: {examples.season}{season}",
        f"  # window: {sizes['window']}  # the most steps of the past that are looked at; absent: by length",
        f"  metric: {in_one_line(said.metric)}"
        if said.metric
        else "  # metric:  # absent: mase; mse, mae_mean or smape",
        f"  success: {said.success:g}"
        if said.success
        else "  # success: 0.01  # ? What is the smallest gain over the baseline that is worth shipping?",
        *_data_lines(config.data, seen, table),
        "# split: {test: 0.15}  # absent: chosen from the number of origins",
        "budget: {trials: 30, minutes: 10}",
        f"seed: {config.seed}",
        "",
    ]
    return "\n".join(lines)


def _seen(source: Source, config: Config) -> Seen:
    said, data = config.problem, config.data
    columns, _ = look_at_series(source, config)
    time, made = next((column.name, column.read.get("expression")) for column in columns if column.role == "time")
    inputs = [c.name for c in with_inputs([c for c in columns if c.name == time], columns) if c.name != time]
    frame, _ = read_series(source, [_read_too(column) for column in columns])
    series, found = tuple(data.series), ""
    if not series and frame.select(time).is_duplicated().any():
        found = tell_apart(frame, time, ())
        series = (found,) if found else ()
    laid = lay_out(frame, time, series, said.targets, data.known_future, data.static, data.observed)
    taken = {*said.targets, *series, *inputs, time}
    alike, names = _alike_within(frame, series, [c.name for c in columns if c.name not in taken])
    taken |= {*data.known_future, *data.static, *data.observed, *alike, *names}
    others = [c.name for c in columns if c.name not in taken and c.kind not in ("constant", "empty")]
    wide = [name for name in times_as_names(source.names) if name in (*said.targets, *others)]
    return Seen(time, made, tuple(inputs), laid, series, found, tuple(alike), tuple(others), tuple(wide))


def _data_lines(data: DataSection, seen: Seen, table: str) -> list[str]:
    lines = [
        "data:",
        f"  table: {in_one_line(table)}",
        f"  time: {in_one_line(seen.time)}" + ("" if data.time else f"  # = {seen.laid.facts['from']} to {seen.laid.facts['to']}"),
    ]  # fmt: skip
    derive = {**data.derive, **({seen.time: seen.made} if seen.made else {})}
    if derive:
        lines.append(
            f"  derive: {in_one_line(derive)}" + ("" if data.time else f"  # = {' and '.join(seen.inputs)} say when")
        )
    if seen.series:
        lines.append(
            f"  series: {in_one_line(list(seen.series) if len(seen.series) > 1 else seen.series[0])}"
            + ("  # = with it no time is repeated" if seen.found else "")
        )
    lines.append(
        f"  known_future: {in_one_line(list(data.known_future))}" if data.known_future
        else f"  # known_future: []  # ? Which of these are known for the coming steps: {_named(seen.others)}?" if seen.others
        else "  # known_future: []"
    )  # fmt: skip
    if seen.wide:
        lines.append(
            f"  # ? {_named(seen.wide, 3)} … are named like times. To forecast from one to the next, make a row of each cell: frame.unpivot"
        )
    if data.observed or (seen.others and not data.known_future):
        lines.append(
            f"  observed: {in_one_line(list(data.observed))}"
            if data.observed
            else "  # observed: []  # ? Which of them are seen only once a step is over? No coming value of these is read."
        )
    if data.static or seen.alike:
        lines.append(
            f"  static: {in_one_line(list(data.static))}"
            if data.static
            else f"  # static: {in_one_line(list(seen.alike))}  # ? one value a series: may they help?"
        )
    if data.scale:
        lines.append(f"  scale: {data.scale}")
    return lines


def _named(names: Sequence[str], most: int = 6) -> str:
    """Return names as a comment has them: one with a line break in it would end the comment."""
    return listed((" ".join(name.split()) for name in names), most)


def _read_too(column: Column) -> Column:
    """Columns that nothing says anything of are read as well, to see what they could be."""
    return (
        replace(column, role="feature")
        if column.role == "ignore" and column.kind in ("category", "number", "boolean")
        else column
    )


def _words(said: Any) -> list[str]:
    asked = {
        "goal": "What should become better through the forecasts? One sentence; the report opens with it.",
        "unit": "What is one series: one store, one sensor?", "decision": "Who decides what with a forecast?",
        "prediction_time": "At which moment is it made? What is known only later cannot be a feature.",
    }  # fmt: skip
    return [
        f"  {name}: {in_one_line(getattr(said, name))}" if getattr(said, name) else f"  {name}:  # ? {text}"
        for name, text in asked.items()
    ]


def _alike_within(frame: pl.DataFrame, series: Sequence[str], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns that have one value in each series: those that several series share, and mere other names of each."""
    there = [name for name in names if name in frame.columns]
    if not series or not there:
        return [], []
    counts = frame.group_by(list(series)).agg(pl.col(name).drop_nulls().n_unique() for name in there)
    alike = [name for name in there if int(counts[name].max() or 0) <= 1 < frame[name].n_unique()]  # type: ignore[arg-type]
    named = [n for n in alike if frame[n].dtype == pl.String and frame[n].drop_nulls().n_unique() >= counts.height]
    return [name for name in alike if name not in named], named
