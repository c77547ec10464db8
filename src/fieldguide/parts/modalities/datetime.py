"""Datetimes: read from text, native types and epochs; described; encoded as elapsed time and calendar parts.

Knows points in time, naive and in UTC. How date texts are spelled is `_dates`, how columns are scaled is `_scaling`.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.batch import Layout
from fieldguide.core.cell import Unreadable, text_of, texts_of
from fieldguide.core.errors import ConfigError
from fieldguide.parts.modalities import _dates
from fieldguide.parts.modalities._reading import missing_tokens, nulls, without_missing
from fieldguide.parts.modalities._scaling import Scaler, filled, keeps_missing, matrix_of
from fieldguide.parts.modalities.number import Number, float_cells

UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3, "d": 86_400e6}  # microseconds in one
DAY = 86_400.0  # [s]
_PERIODS = (("hour", "1h", 3600.0), ("day", "1d", DAY), ("month", "1mo", 30 * DAY), ("year", "1y", 365 * DAY))
MAX_PERIODS = 60


@dataclass(frozen=True)
class Datetime:
    """A point in time: Datetime("us"), naive, in UTC; null where missing.

    Text is read as ISO 8601 (also with "/" or ".", one-digit months and days, a time, a zone); a text that is no date,
    or a day that does not exist, is broken. `Column.read` may hold `missing` (tokens), `formats` (strptime notation,
    tried in order, in place of ISO), `dayfirst` (true: 31/1/2024, false: 1/31/2024; not declared: neither, because
    3/4/2024 does not say), `unit` (numbers count s, ms, us, ns or d since 1970).

    Examples:
        >>> from fieldguide.core.table import Column
        >>> Datetime().read_value("31/1/2024 12:30", Column("sold_at", "datetime", read={"dayfirst": True}))
        (datetime.datetime(2024, 1, 31, 12, 30), False)
    """

    name: ClassVar[str] = "datetime"

    def read(self, raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
        """Return Datetime("us") values, null where missing or broken, and which cells are broken."""
        if raw.dtype == pl.Date or isinstance(raw.dtype, pl.Datetime):
            times = raw.cast(pl.Datetime("us")) if raw.dtype == pl.Date else raw.dt.cast_time_unit("us")
            if getattr(raw.dtype, "time_zone", None):
                times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            typed = _dates.in_range(times.to_physical()).cast(pl.Datetime("us"))
            return typed, raw.is_not_null() & typed.is_null()
        if raw.dtype.is_temporal():
            return nulls(raw, pl.Datetime("us")), raw.is_not_null()
        if column.read.get("unit"):
            return _from_epoch(raw, column)
        texts, broken = texts_of(raw)
        held = without_missing(texts, missing_tokens(column.read))
        typed = _dates.microseconds(held, patterns_of(column.read)).cast(pl.Datetime("us"))
        return typed, (broken | (held.is_not_null() & typed.is_null())).alias(raw.name)

    def read_value(self, value: Any, column: Any) -> tuple[datetime.datetime | None, bool]:
        """Return one value and whether it is broken, as `read` would; for serving, without Polars."""
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[us]").item()  # a year beyond 9999 comes out as an int, and is broken below
        if isinstance(value, datetime.datetime):
            return _naive(value)
        if isinstance(value, datetime.date):
            return datetime.datetime(value.year, value.month, value.day), False
        if isinstance(value, datetime.time | datetime.timedelta):
            return None, True
        if column.read.get("unit"):
            number, broken = Number().read_value(value, column)
            return (None, broken) if number is None else _from_microseconds(number * _unit(column.read))
        try:
            text = text_of(value)
        except Unreadable:
            return None, True
        if text is None or text in missing_tokens(column.read):
            return None, False
        time = _dates.parsed(text, patterns_of(column.read))
        return time, time is None

    def cells(self, typed: pl.Series) -> np.ndarray:
        """Return (rows,) float64 seconds since 1970, NaN where missing."""
        return float_cells(typed.to_physical()) / 1e6

    def cell(self, value: datetime.datetime | None) -> np.ndarray:
        """Return (1,) float64 of one read value."""
        if value is None:
            return np.array((math.nan,), np.float64)
        elapsed = value - _dates.EPOCH
        return np.array(
            (((elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds) / 1e6,), np.float64
        )

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return range, gaps, and counts by period, weekday (Monday first) and hour."""
        known = typed.drop_nulls().sort()
        facts: dict[str, Any] = {"n": typed.len(), "missing": typed.len() - known.len()}
        if not known.len():
            return facts | {
                "min": None,
                "max": None,
                "span_days": None,
                "gaps": None,
                "periods": None,
                "weekdays": [],
                "hours": [],
            }
        seconds = self.cells(known)
        weekdays = np.bincount(known.dt.weekday().to_numpy().astype(np.int64) - 1, minlength=7)
        hours = np.bincount(known.dt.hour().to_numpy().astype(np.int64), minlength=24)
        return facts | {
            "min": str(known[0]), "max": str(known[-1]), "span_days": float(seconds[-1] - seconds[0]) / DAY,
            "gaps": _gaps(known, seconds), "periods": _periods(known, float(seconds[-1] - seconds[0])),
            "weekdays": weekdays.tolist(), "hours": hours.tolist(),
        }  # fmt: skip

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any) -> DatetimeEncoder:
        """Fit the encoding of all datetime columns on training cells."""
        return DatetimeEncoder.fit(cells, recipe)

    def load(self, data: Mapping[str, Any]) -> DatetimeEncoder:
        """Return the encoder that `to_dict` described."""
        return DatetimeEncoder.from_dict(data)


PARTS = ("year", "month", "day", "weekday", "hour")
ROWS = 1_000_000  # whose calendar parts are looked at together
CYCLES = {"month": (1, 12), "day": (1, 31), "weekday": (0, 7), "hour": (0, 24)}  # the first value, and how many


@dataclass(frozen=True)
class DatetimeEncoder:
    """Elapsed days, and calendar parts that vary in training.

    Without scaling (trees): days since the earliest training value, then year, month, day, weekday (Monday is 0) and
    hour as they are. With scaling (networks): elapsed days and year scaled as the recipe says, the other parts as sine
    and cosine, so that December is next to January. Missing values as for numbers: 0 and an indicator, or NaN.

    Shape:
        encode(cells)["numbers"]: (rows, elapsed and parts of each column, then indicators) float32
    """

    names: tuple[str, ...]
    origins: np.ndarray  # the earliest training value of each column [s since 1970]
    parts: tuple[tuple[str, ...], ...]  # the parts of each column
    scaler: Scaler  # of elapsed days, then years, column by column
    keep: bool
    flagged: tuple[int, ...]

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray], recipe: Any) -> DatetimeEncoder:
        if recipe.dates not in ("parts", "elapsed"):
            raise ConfigError(
                f"there is no way {recipe.dates!r} to encode datetimes",
                rule="times become calendar parts, or the time elapsed alone",
                found=repr(recipe.dates),
                do="use parts or elapsed",
            )
        names, keep = tuple(cells), keeps_missing(recipe.missing)
        origins, parts, flagged = [], [], []

        def linear() -> Iterator[np.ndarray]:
            for k, name in enumerate(names):  # a column at a time: of a large table none of them stays
                column = np.asarray(cells[name], np.float64)
                known = column[~np.isnan(column)]
                origins.append(float(known.min()) if len(known) else 0.0)
                parts.append(varying_of(known) if recipe.dates == "parts" else ())
                if not keep and len(known) < len(column):
                    flagged.append(k)
                yield (known - origins[-1]) / DAY
                if "year" in parts[-1]:
                    yield years_of(known)

        scaler = Scaler.fit(linear(), recipe.scaling)
        return DatetimeEncoder(names, np.array(origins), tuple(parts), scaler, keep, tuple(flagged))

    @property
    def cyclic(self) -> bool:
        return self.scaler.method != "none"

    def layout(self) -> Layout:
        names = []
        for name, parts in zip(self.names, self.parts, strict=True):
            names.append(f"{name} days")
            for part in parts:
                names += (
                    [f"{name} {part} sin", f"{name} {part} cos"]
                    if self.cyclic and part in CYCLES
                    else [f"{name} {part}"]
                )
        return Layout(numbers=(*names, *(f"{self.names[k]} missing" for k in self.flagged)))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        matrix = matrix_of(cells, self.names)
        calendars = [calendar_of(matrix[:, k]) if parts else None for k, parts in enumerate(self.parts)]
        scaled = self.scaler.apply(_linear(matrix, self.origins, self.parts, calendars))
        blocks, start = [], 0
        for k, (parts, calendar) in enumerate(zip(self.parts, calendars, strict=True)):
            stop = start + 1 + ("year" in parts)
            blocks.append(scaled[:, start:stop])
            start = stop
            places = [PARTS.index(part) for part in parts if part != "year"]
            if places and calendar is not None:
                values = calendar[:, places]
                block = circles_of(places, values) if self.cyclic else values.astype(np.float64)
                block[np.isnan(matrix[:, k])] = np.nan
                blocks.append(block)
        return {"numbers": filled(np.concatenate(blocks, axis=1), matrix, self.keep, self.flagged)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "names": list(self.names), "origins": self.origins.tolist(), "parts": [list(parts) for parts in self.parts],
            "scaler": self.scaler.to_dict(), "keep": self.keep, "flagged": list(self.flagged),
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> DatetimeEncoder:
        return DatetimeEncoder(
            tuple(data["names"]), np.array(data["origins"], np.float64), tuple(tuple(parts) for parts in data["parts"]),
            Scaler.from_dict(data["scaler"]), data["keep"], tuple(data["flagged"]),
        )  # fmt: skip


def calendar_of(seconds: np.ndarray) -> np.ndarray:
    """Return the calendar parts of seconds since 1970, in the order of `PARTS`; those of 1970 where missing.

    Shape:
        seconds: (rows,) float64; returns: (rows, 5) int64

    Examples:
        >>> calendar_of(np.array([0.0])).tolist()
        [[1970, 1, 1, 3, 0]]
    """
    if len(seconds) == 1:  # one row is served: plain Python is four times as fast as ten array operations
        day, second = divmod(int(seconds[0] // 1.0) if seconds[0] == seconds[0] else 0, 86_400)
        date = datetime.date.fromordinal(day + 719_163)
        return np.array(((date.year, date.month, date.day, date.weekday(), second // 3600),), np.int64)
    hours = np.floor(np.where(np.isnan(seconds), 0.0, seconds) / 3600.0).astype(np.int64)
    days = hours // 24
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    first_days, month_numbers = months.astype("datetime64[D]").astype(np.int64), months.astype(np.int64)
    years = month_numbers // 12
    parts = (years + 1970, month_numbers - years * 12 + 1, days - first_days + 1, (days + 3) % 7, hours - days * 24)
    return np.stack(parts, axis=1)


def circles_of(places: list[int], values: np.ndarray) -> np.ndarray:
    """Return sine and cosine of calendar parts: (rows, 2 x parts) float64, for `places` in `PARTS`."""
    return _CIRCLES[places, values].reshape(len(values), 2 * len(places))


def varying_of(seconds: np.ndarray) -> tuple[str, ...]:
    """Return the calendar parts that are not the same in all rows; seconds are known.

    Examples:
        >>> varying_of(np.array([0.0, 86_400.0]))
        ('day', 'weekday')
    """
    ends = [(part.min(axis=0), part.max(axis=0)) for part in _calendars(seconds)]
    if not ends:
        return ()
    low, high = np.min([low for low, _ in ends], axis=0), np.max([high for _, high in ends], axis=0)
    return tuple(part for part, least, most in zip(PARTS, low, high, strict=True) if most > least)


def years_of(seconds: np.ndarray) -> np.ndarray:
    """Return the years of known seconds since 1970, (rows,) float64."""
    return np.concatenate([np.zeros(0), *(calendar[:, 0].astype(np.float64) for calendar in _calendars(seconds))])


def _calendars(seconds: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the calendar parts of consecutive rows: five integers a row are many for all of them."""
    return (calendar_of(seconds[start : start + ROWS]) for start in range(0, len(seconds), ROWS))


def _circles() -> np.ndarray:
    """Return sine and cosine of every value of every calendar part, (parts, values, 2) float64.

    Looked up rather than computed: sine differs in its last bit from one processor to another.
    """
    table = np.zeros((len(PARTS), 32, 2))
    for part, (first, n) in CYCLES.items():
        for k in range(n):
            angle = 2.0 * math.pi * k / n
            table[PARTS.index(part), first + k] = math.sin(angle), math.cos(angle)
    return table


_CIRCLES = _circles()


def _linear(
    matrix: np.ndarray, origins: np.ndarray, parts: tuple[tuple[str, ...], ...], calendars: list[np.ndarray | None]
) -> np.ndarray:
    """Return elapsed days and, where it is a part, the year of each column: (rows, columns + years) float64."""
    linear = np.empty((len(matrix), sum(1 + ("year" in names) for names in parts)))
    place = 0
    for k, (names, calendar) in enumerate(zip(parts, calendars, strict=True)):
        linear[:, place] = (matrix[:, k] - origins[k]) / DAY
        place += 1
        if "year" in names and calendar is not None:
            linear[:, place] = calendar[:, 0]
            linear[np.isnan(matrix[:, k]), place] = np.nan
            place += 1
    return linear


def patterns_of(read: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the regular expressions of the texts that `Column.read` declares to be dates."""
    formats = read.get("formats")
    if formats:
        return tuple(_dates.pattern_of(text) for text in ([formats] if isinstance(formats, str) else formats))
    if read.get("dayfirst") is None:
        return (_dates.ISO,)
    return (_dates.ISO, _dates.DAY_FIRST if read["dayfirst"] else _dates.MONTH_FIRST)


def _naive(value: datetime.datetime) -> tuple[datetime.datetime | None, bool]:
    if value.tzinfo is None:
        return value.replace(fold=0), False
    try:
        return value.astimezone(datetime.UTC).replace(tzinfo=None), False
    except OverflowError:
        return None, True


def _unit(read: Mapping[str, Any]) -> float:
    unit = read["unit"]
    if unit not in UNITS:
        raise ConfigError(
            f"there is no unit of time {unit!r}",
            rule="numbers become times by the unit they count",
            found=f"read.unit is {unit!r}",
            do=f"use one of {', '.join(UNITS)}",
        )
    return UNITS[unit]


def _from_epoch(raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
    numbers, broken = Number().read(raw, column)
    micros = (numbers * _unit(column.read)).to_numpy()
    inside = np.abs(micros) < 2.0**62  # False for NaN
    typed = pl.Series(raw.name, np.rint(np.where(inside, micros, 0.0)).astype(np.int64)).set(pl.Series(~inside), None)
    typed = _dates.in_range(typed).cast(pl.Datetime("us"))
    return typed, (broken | (numbers.is_not_null() & typed.is_null())).alias(raw.name)


def _from_microseconds(micros: float) -> tuple[datetime.datetime | None, bool]:
    try:
        return _dates.EPOCH + datetime.timedelta(microseconds=round(micros)), False
    except OverflowError:
        return None, True


def _gaps(known: pl.Series, seconds: np.ndarray) -> dict[str, Any] | None:
    """Return the median and the largest step between different times [days], and where the largest begins."""
    steps = np.diff(seconds)
    if not steps.any():
        return None
    largest = int(steps.argmax())
    return {
        "median_days": float(np.median(steps[steps > 0])) / DAY,
        "largest_days": float(steps[largest]) / DAY,
        "after": str(known[largest]),
    }


def _periods(known: pl.Series, span: float) -> dict[str, Any]:
    """Return counts by the shortest period of which at most 60 fill the span (years, however many)."""
    name, every, _ = next((period for period in _PERIODS if span / period[2] <= MAX_PERIODS), _PERIODS[-1])
    counts = known.dt.truncate(every).value_counts(sort=False).sort(known.name)
    return {
        "period": name,
        "starts": [str(start) for start in counts.to_series(0)],
        "counts": counts.to_series(1).to_list(),
    }
