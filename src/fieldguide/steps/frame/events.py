"""Events: what study.yaml calls a proxy or the outcome, as labels and moments of rows; a proxy as the target of a study.

Knows expressions, dates and columns known only afterwards. Before the seal it reads which rows have an event and how often it
happened, never a feature beside it; what an event is worth is `steps.explore.proxy`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.documents.config import Config
from fieldguide.core.documents.proxy_sections import HAPPENED, EventSection, candidates, moment, sources, target_text
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.files.source import Source
from fieldguide.core.language.expression import parse
from fieldguide.core.reading import read_frame
from fieldguide.core.table import Column, Table
from fieldguide.parts import modality
from fieldguide.steps.detect.columns import detect_columns
from fieldguide.steps.detect.task import TaskGuess

DAY = 86_400_000_000


@dataclass(frozen=True)
class Event:
    """An event on rows.

    Args:
        name: as in study.yaml.
        text: its definition.
        amount: whether it is a number rather than yes or no.

    Shape:
        label: (rows,) float64: 1 happened, 0 did not, or the amount; NaN where it is not known
        time: (rows,) float64 [days since 1970, or the column's own unit], NaN where blank; None without a column
    """

    name: str
    text: str
    label: np.ndarray
    amount: bool
    time: np.ndarray | None

    @property
    def happened(self) -> np.ndarray:
        """(rows,) bool: the event is known to have happened (an amount: above 0)."""
        return np.nan_to_num(self.label) > 0


def read_event(table: Table, name: str, text: str, time: str | None = None) -> Event:
    """Return an event on the rows of a typed table.

    Raises:
        ConfigError: the event is neither yes or no nor a number, or its time is no time.
    """
    kinds = {column.name: column.kind for column in table.columns}
    expression = parse(quoted(text, kinds), kinds)
    if expression.kind not in ("boolean", "number"):
        raise ConfigError(
            f"proxies.{name}: {text!r} does not say whether it happened", rule="an event is true or false, or a number",
            found=f"it gives {'texts' if expression.kind == 'category' else 'dates'}",
            do=f"compare it: {quoted(text, kinds)} = 'yes'" if expression.kind == "category" else "compare it with a date, or name it as time",
        )  # fmt: skip
    values = table.frame.select(expression.polars().alias("event"))["event"].cast(pl.Float64)
    label = values.fill_null(float("nan")).to_numpy()
    amount = expression.kind == "number" and not np.isin(label[~np.isnan(label)], (0.0, 1.0)).all()
    return Event(name, text, label, amount, None if time is None else times_of(table, time))


def as_events(table: Table) -> Table:
    """Return a table whose targets are read as other columns are: what a label says is a number or yes or no, where it can be.

    A study keeps the labels of a target as they are spelled; a definition of an event is written for the column in the file.
    """
    frame, columns = table.frame, []
    for column in table.columns:
        if column.role == "target" and column.kind == "category":
            labels = frame[column.name]
            numbers = labels.cast(pl.Float64, strict=False)
            truths, broken = modality("boolean").read(labels, Column(column.name, "boolean", "target"))
            if numbers.null_count() == labels.null_count():
                frame, column = frame.with_columns(numbers), Column(column.name, "number", "target")
            elif not broken.any():
                frame, column = frame.with_columns(truths.alias(column.name)), Column(column.name, "boolean", "target")
        columns.append(column)
    return Table(frame, tuple(columns))


def quoted(text: str, names: Mapping[str, Any] | Sequence[str]) -> str:
    """Return an event as an expression: the plain name of a column is put in backticks."""
    return "`" + text.replace("`", "``") + "`" if text in names else text


def times_of(table: Table, name: str) -> np.ndarray:
    """Return a column of moments: dates as days since 1970, numbers as they are.

    Raises:
        ConfigError: the column holds neither.

    Shape:
        returns: (rows,) float64, NaN where blank
    """
    column, values = table.column(name), table.frame[name]
    if column.kind == "datetime":
        return values.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy() / DAY
    if column.kind == "number":
        return values.fill_null(float("nan")).to_numpy()
    if values.null_count() == len(values):
        return np.full(len(values), np.nan)
    raise ConfigError(
        f"{name!r} is no time", rule="the time of an event is a column of dates, or of numbers such as days",
        found=f"its kind is {column.kind}", do=f"declare data.columns.{name}: {{kind: datetime, read: {{formats: [..]}}}}",
    )  # fmt: skip


def until_of(table: Table, text: str) -> np.ndarray:
    """Return (rows,) the moment up to which events were recorded: a column's, or one moment for all rows."""
    fixed = None if text in table.names else moment(text)
    return times_of(table, text) if fixed is None else np.full(table.n_rows, fixed)


# --- a proxy as the target -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learned:
    """Which proxy is learned, and why.

    Args:
        name: the proxy.
        why: how it came to be chosen.
        guessed: nobody chose it.
        shares: share of yes of each candidate, where it is yes or no.
        n: candidates in all.
    """

    name: str
    why: str
    guessed: bool
    shares: Mapping[str, float]
    n: int

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "why": self.why, "guessed": self.guessed, "shares": dict(self.shares), "n": self.n}


def settled(config: Config, source: Source) -> tuple[Config, Learned | None]:
    """Return the config with the proxy that is learned, where no target is named, and how it was chosen.

    Where study.yaml does not choose, the proxy with the most rows on its rarer side is taken and asked about: of two labels
    it teaches most. That is all that may be seen of it before the seal; `explore` compares the candidates.

    Raises:
        ConfigError, DataError: the proxy cannot be read, or cannot be judged.
    """
    if not config.proxies:
        return config, None
    table = _later(config, source)
    events = {name: _whole(table, name, section) for name, section in config.proxies.items()}
    if config.problem.stated:
        return config, None
    events = {name: events[name] for name in candidates(config.proxies)}
    rarer = {name: _rarer(event) for name, event in events.items()}
    shares = {
        name: float(np.nanmean(e.label)) for name, e in events.items() if not e.amount and not np.isnan(e.label).all()
    }
    stated = config.problem.proxy
    name = stated or max(rarer, key=lambda one: rarer[one])
    if not rarer[name]:
        known = int((~np.isnan(events[name].label)).sum())
        raise DataError(
            f"the proxy {name!r} cannot be judged", rule="a label has two different values at least, or no metric can tell predictions apart",
            found=f"{events[name].text!r} is the same in all {known:,} rows in which it is known", do="define it otherwise under proxies, or name a target",
        )  # fmt: skip
    why = "problem.proxy says so" if stated else "it is the only one"
    if not stated and len(events) > 1:
        why = f"of {len(events)} proxies it has the most rows on its rarer side, {rarer[name]:,}"
    problem = config.problem.model_copy(update={"proxy": name})
    return config.model_copy(update={"problem": problem}), Learned(name, why, stated is None, shares, len(events))


def _whole(table: Table, name: str, section: EventSection) -> Event:
    """Read everything a section says, so that a mistake is told before anything is sealed."""
    for text in section.variants:
        read_event(table, name, text)
    if section.observed_until is not None:
        until_of(table, section.observed_until)
    return read_event(table, name, section.event, section.time)


def _rarer(event: Event) -> int:
    """Rows on the rarer side of a label; of an amount the rows that differ from the commonest value."""
    counts = np.unique(event.label[~np.isnan(event.label)], return_counts=True)[1]
    return int(counts.sum() - counts.max()) if len(counts) else 0


def _later(config: Config, source: Source) -> Table:
    """Read the columns that events are made of, and no others."""
    names = [name for name in sources(config.proxies) if name in source.names]
    kinds = {name: c.kind for name, c in config.data.columns.items() if c.kind is not None}
    found = {column.name: column for column in detect_columns(source, given=kinds)}
    declared = config.data.columns
    columns = tuple(
        Column(
            name,
            found[name].kind,
            "ignore",
            {**found[name].read, **(declared[name].reading() if name in declared else {})},
        )
        for name in names
    )
    return read_frame(source.collect(names), columns, modality)[0]


def target_of(config: Config, columns: Sequence[Column], source: Source) -> tuple[Column, TaskGuess] | None:
    """Return the column that a proxy makes, and its task; None where the proxy is a column of the table itself."""
    name = config.problem.proxy
    if config.problem.stated or name is None or name in source.names:
        return None
    section: EventSection = config.proxies[name]
    event = read_event(_later(config, source), name, section.event)
    text = quoted(section.event, source.names)
    known = event.label[~np.isnan(event.label)]
    if event.amount:
        why = f"{section.event!r} is a number with {len(np.unique(known)):,} different values"
        return Column(name, "number", "target", {"expression": text}), TaskGuess("regression", "number", why=why)
    numeric = next((c.kind for c in columns if c.name == section.event), "") == "number" or _is_number(columns, text)
    why = f"the proxy {section.event!r} happened in {int(known.sum()):,} of {len(known):,} rows"
    guess = TaskGuess("binary", "category", positive=HAPPENED, why=why, n_missing=len(event.label) - len(known))
    return Column(name, "category", "target", {"expression": target_text(f"({text}) = 1" if numeric else text)}), guess


def _is_number(columns: Sequence[Column], text: str) -> bool:
    return parse(text, {column.name: column.kind for column in columns}).kind == "number"


def known_afterwards(config: Config, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that only events are made of: none of them may reach a model unless study.yaml says `feature`.

    Times, groups, keys and weights that `data` declares keep their role: an event may be defined by the time since the row.
    """
    data = config.data
    kept = {data.entity, data.group, data.time, data.key, data.weight, *config.problem.targets}
    kept |= {name for name, said in data.columns.items() if said.role == "feature"}
    return tuple(name for name in sources(config.proxies) if name in columns and name not in kept)
