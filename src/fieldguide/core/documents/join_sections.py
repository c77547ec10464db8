"""The `join:` section of study.yaml: units, feature tables, outcome.

Knows shapes, defaults and descriptions, and how a length of time is written. Which tables and columns there are, and how
they are joined, is `steps.join.join`'s business.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from fieldguide.core.documents.sections import File, Name, Number, Section, Switch, Texts

Aggregate = Literal[
    "count", "sum", "mean", "min", "max", "first", "last", "since_first", "since_last", "nunique", "rate"
]
Clock = Literal["date", "seconds", "minutes", "hours", "days"]
PREDICTION_TIME = "prediction_time"
"""Name of the joined table's column of prediction times."""
KNOWN_AT = "outcome_known_at"
"""Name of its column of the moments at which outcomes were known; it reaches no model."""
ENTITY = "entity"
"""Name of its column that joins several entity columns."""
JOINED = "joined.parquet"
"""Name of its file, in the study folder."""
UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d|w)\s*")
_NUMERIC = ("sum", "mean", "min", "max", "rate")


def duration(text: str) -> int:
    """Return the microseconds of a length of time.

    Raises:
        ValueError: it is not a number with a unit, or it is 0.

    Examples:
        >>> duration("30d"), duration("1.5h")
        (2592000000000, 5400000000)
    """
    match = _LENGTH.fullmatch(str(text))
    if match is None:
        month = re.fullmatch(r"\s*\d+\s*(mo|m|month|months|y|year|years)\s*", str(text), re.I)
        hint = "; months and years differ in length and m could be either: write min or d" if month else ""
        raise ValueError(f"must be a length of time such as 90min, 48h, 30d or 2w{hint}")
    length = round(float(match[1]) * UNITS[match[2]] * 1_000_000)
    if not 0 < length < 2**55:
        raise ValueError("must be longer than nothing, and shorter than a thousand years")
    return length


def _length(value: Any) -> Any:
    duration(value)
    return str(value)


def _pause(value: Any) -> Any:
    return "0d" if re.fullmatch(r"\s*0+\s*(s|min|h|d|w)?\s*", str(value)) else _length(value)


def _lengths(value: Any) -> Any:
    return tuple(map(_length, value if isinstance(value, list | tuple) else [value]))


def _aggregates(value: Any) -> Any:
    return tuple(map(str, value if isinstance(value, list | tuple) else [value]))


def _tables(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else (value,)


Length = Annotated[str, BeforeValidator(_length, json_schema_input_type=str)]
Pause = Annotated[str, BeforeValidator(_pause, json_schema_input_type=str)]
Lengths = Annotated[tuple[str, ...], BeforeValidator(_lengths, json_schema_input_type=str | list[str])]
Aggregates = Annotated[
    tuple[Aggregate, ...], BeforeValidator(_aggregates, json_schema_input_type=Aggregate | list[Aggregate])
]


class UnitsSection(Section):
    """What a row of the joined table is: an entity at a prediction time."""

    table: File = Field(description="the file that names the entities, one row each or many")
    entity: Texts = Field(description="its column, or columns, that say which entity a row is about")
    time: Name | None = Field(
        default=None,
        description="its column of prediction times; beside `at` or `every`, the moment an entity is known from",
    )
    at: Texts | None = Field(default=None, description="one prediction time for every entity, or a list of them")
    start: Name | None = Field(default=None, description="with `every`: the first prediction time")
    stop: Name | None = Field(default=None, description="with `every`: the last prediction time, if the step meets it")
    every: Length | None = Field(default=None, description="a prediction time for every entity each 7d, 24h …")
    keep: Texts = Field(
        default=(), description="columns of this table that are known at prediction time, carried along"
    )
    where: Name | None = Field(default=None, description="an expression: only rows of this table for which it is true")

    @model_validator(mode="after")
    def _one_way(self) -> UnitsSection:
        if self.at is not None and self.every is not None:
            raise ValueError("at and every exclude each other: give one of them")
        if (self.every is None) != (self.start is None and self.stop is None) or (self.start is None) != (
            self.stop is None
        ):
            raise ValueError("every, start and stop belong together: give all three, or none")
        if self.at is None and self.every is None and self.time is None:
            raise ValueError(
                "must say when predictions are made: time (a column), at (a moment), or every, start, stop"
            )
        return self


class SmoothingSection(Section):
    """How a rate of few events is drawn to a stated rate: (sum + prior · strength) / (n + strength)."""

    prior: Number = Field(description="the rate of a unit without events")
    strength: Number = Field(gt=0, description="how many events the prior is worth")


class FeatureSection(Section):
    """One feature of a table, or one for each of several aggregates, windows and levels."""

    aggregate: Aggregates = Field(description="count, sum, mean … of the events, or a list of these")
    column: Name | None = Field(default=None, description="the column that is aggregated; count needs none")
    window: Lengths | None = Field(
        default=None, description="how far back events count: 30d, 48h, or a list; absent: all"
    )
    where: Name | None = Field(default=None, description="an expression: only events for which it is true")
    by: Name | None = Field(default=None, description="a column: one feature for each of its levels")
    levels: Texts | None = Field(default=None, description="with `by`: these levels; absent: all that are found")
    smoothing: SmoothingSection | None = Field(default=None, description="of a rate: its prior and strength")

    @model_validator(mode="after")
    def _fits(self) -> FeatureSection:
        if not self.aggregate:
            raise ValueError("names no aggregate")
        missing = [a for a in self.aggregate if self.column is None and a not in ("count", "since_first", "since_last")]
        if missing:
            raise ValueError(f"{missing[0]} needs a column")
        if self.smoothing is not None and set(self.aggregate) != {"rate"}:
            raise ValueError("smoothing belongs to the aggregate rate")
        if self.levels is not None and self.by is None:
            raise ValueError("levels belong to `by`: name the column they stand in")
        return self

    @property
    def numeric(self) -> bool:
        """Whether the column must hold numbers."""
        return any(aggregate in _NUMERIC for aggregate in self.aggregate)


class FeatureTableSection(Section):
    """A table of events, or of states that change, from which features are made."""

    table: File = Field(description="the file; the path is relative to study.yaml")
    entity: Texts | None = Field(default=None, description="its entity column, or several; absent: named as in units")
    time: Name = Field(description="the column of the moment an event happened, or a state began")
    known_at: Name | None = Field(default=None, description="the column of the moment it could be read; absent: time")
    lag: Pause = Field(default="0d", description="how long after known_at (or time) it can be read, such as 1d")
    where: Name | None = Field(default=None, description="an expression: only rows for which it is true")
    columns: dict[Name, FeatureSection] = Field(default_factory=dict, description="features by name")
    as_of: Texts = Field(default=(), description="columns taken from the latest row known at the prediction time")

    @model_validator(mode="after")
    def _makes_something(self) -> FeatureTableSection:
        if not self.columns and not self.as_of:
            raise ValueError("makes no feature: give columns or as_of")
        return self


class OutcomeSection(Section):
    """What the target is made of: events after the prediction time, or a column with one row an entity."""

    table: File = Field(description="the file; the path is relative to study.yaml")
    entity: Texts | None = Field(default=None, description="its entity column, or several; absent: named as in units")
    time: Name | None = Field(default=None, description="the column of the moment it happened; absent: a fixed outcome")
    known_at: Name | None = Field(
        default=None, description="the column of the moment it could be read; blank cells still wait"
    )
    where: Name | None = Field(default=None, description="an expression: only rows for which it is true")
    horizon: Length | None = Field(default=None, description="outcomes count up to this long after the prediction time")
    offset: Pause = Field(default="0d", description="outcomes count only from this long after the prediction time")
    aggregate: Literal["any", "count", "sum", "mean", "min", "max", "first", "last"] = Field(
        default="any", description="any: 1 or 0; or a number made of the outcomes within the horizon"
    )
    column: Name | None = Field(default=None, description="the column that is aggregated, or that is the fixed outcome")
    share: Number = Field(default=0.95, gt=0, le=1, description="share of late outcomes that is waited for")
    wait: Pause | None = Field(default=None, description="how long to wait for late outcomes; absent: from the delays")
    until: Name | None = Field(default=None, description="the end of the outcomes' record; absent: the latest seen")

    @model_validator(mode="after")
    def _fits(self) -> OutcomeSection:
        if self.time is None and self.horizon is not None:
            raise ValueError("horizon needs time: the column of the moment an outcome happened")
        if self.time is None and self.column is None:
            raise ValueError("must name time and horizon (events), or column (a fixed outcome)")
        if self.time is not None and self.horizon is None:
            raise ValueError("time needs horizon: how long after the prediction time outcomes count")
        if self.aggregate not in ("any", "count") and self.column is None:
            raise ValueError(f"{self.aggregate} needs a column")
        if self.time is None and self.aggregate != "any":
            raise ValueError("a fixed outcome has no aggregate: remove it, or give time and horizon")
        return self


class JoinSection(Section):
    """One tidy row per unit, made of event tables: what is known at the prediction time, and what came of it."""

    units: UnitsSection = Field(description="what a row is: an entity at a prediction time")
    features: Annotated[tuple[FeatureTableSection, ...], BeforeValidator(_tables)] = Field(
        default=(), description="tables of events or states, and the features made of each"
    )
    outcome: OutcomeSection = Field(description="what problem.target is made of")
    clock: Clock = Field(
        default="date", description="how times are told: dates, or seconds … days since a start of the unit's own"
    )
    same_time: Literal["exclude", "include"] = Field(
        default="exclude", description="whether what happens at the very prediction time is known then"
    )
    known_only: Switch = Field(
        default=True, description="features read only what was known; false shows what a naive join would give"
    )

    @property
    def single_time(self) -> bool:
        """Whether every unit has the same prediction time."""
        return self.units.at is not None and len(self.units.at) == 1
