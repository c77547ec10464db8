"""Frequency: the step of a series, and the regular grid it stands on.

Knows fixed steps, calendar months and weekdays. What is done about steps that are missing is the panel's, what is said of them
the checks'.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
WORDS = ((7 * DAY, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"), (1000, "millisecond"))


@dataclass(frozen=True)
class Frequency:
    """A step: `n` months, `n` weekdays (Monday to Friday), or `n` microseconds.

    Examples:
        >>> Frequency("microseconds", HOUR).words, Frequency("months", 3).words, Frequency("microseconds", HOUR).seasons
        ('1 hour', '3 months', (24, 168))
    """

    unit: str
    n: int

    @property
    def words(self) -> str:
        if self.unit == "months":
            return "1 year" if self.n == 12 else "1 month" if self.n == 1 else f"{self.n} months"
        if self.unit == "weekdays":
            return "1 weekday"
        for size, word in WORDS:
            if self.n % size == 0:
                return f"{self.n // size} {word}{'' if self.n == size else 's'}"
        return f"{self.n} microseconds"

    @property
    def seasons(self) -> tuple[int, ...]:
        """Usual lengths of a season, in steps, the shortest first; empty where there is none (years)."""
        if self.unit == "months":
            return (12 // self.n,) if self.n < 12 and 12 % self.n == 0 else ()
        if self.unit == "weekdays":
            return (5, 260)
        spans = (MINUTE, HOUR) if self.n < SECOND else (HOUR, DAY) if self.n < MINUTE else (DAY, 7 * DAY)
        if self.n >= 7 * DAY:
            return (round(364 * DAY / self.n),) if self.n <= 91 * DAY else ()
        if self.n >= DAY:
            return (7, 365) if self.n == DAY else ()
        return tuple(span // self.n for span in spans if span % self.n == 0 and span // self.n > 1)

    def numbers(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (number of each time's step, how far off that step it is [shares of a step]), counted from a fixed start.

        Shape:
            times: (rows,) int64 microseconds since 1970, sorted
        """
        if self.unit == "microseconds":
            first = times[0] if len(times) else 0
            exact = (times - first) / self.n
            numbers = np.rint(exact).astype(np.int64)
            return numbers, np.abs(exact - numbers)
        if self.unit == "weekdays":
            dates = times.astype("datetime64[us]").astype("datetime64[D]")
            numbers = np.busday_count(np.datetime64("1970-01-01"), dates).astype(np.int64)
            return numbers, np.where(np.is_busday(dates), 0.0, 0.5)
        months = times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
        first = months[0] if len(months) else 0
        exact = (months - first) / self.n
        numbers = np.floor(exact + 1e-9).astype(np.int64)
        return numbers, exact - numbers

    def after(self, time: int, steps: np.ndarray) -> np.ndarray:
        """Return the times of steps counted from a time: (steps,) int64 microseconds.

        Examples:
            >>> jan = np.datetime64("2020-01-31", "us").astype(int)
            >>> Frequency("months", 1).after(jan, np.array([1, 2])).astype("datetime64[us]").astype("datetime64[D]").astype(str).tolist()
            ['2020-02-29', '2020-03-31']
        """
        steps = np.asarray(steps, np.int64)
        if self.unit == "microseconds":
            return np.asarray(time + self.n * steps, np.int64)
        start = np.datetime64(int(time), "us")
        within = int((start - start.astype("datetime64[D]")).astype(np.int64))
        if self.unit == "weekdays":
            days = np.busday_offset(start.astype("datetime64[D]"), steps * self.n, roll="backward")
            return np.asarray(days.astype("datetime64[us]").astype(np.int64) + within)
        month = start.astype("datetime64[M]")
        day = int((start.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64))
        ends = (month + 1).astype("datetime64[D]") - 1 == start.astype("datetime64[D]")
        months = month + steps * self.n
        last = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) - 1
        days = months.astype("datetime64[D]") + (last if ends else np.minimum(day, last))
        return np.asarray(days.astype("datetime64[us]").astype(np.int64) + within)

    def to_dict(self) -> dict[str, Any]:
        return {"unit": self.unit, "n": self.n, "words": self.words}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Frequency:
        return Frequency(data["unit"], int(data["n"]))


def frequency_of(times: np.ndarray, starts: np.ndarray) -> tuple[Frequency, float] | None:
    """Return the step of series and the share of their times that stand on it; None where no two times differ.

    Shape:
        times: (rows,) int64 microseconds, sorted within each series, without repeats
        starts: (series + 1,) where each series begins

    Examples:
        >>> days = np.arange(0, 60, 1) * DAY
        >>> frequency_of(days, np.array([0, 60]))
        (Frequency(unit='microseconds', n=86400000000), 1.0)
    """
    inner = np.ones(max(0, len(times) - 1), bool)
    inner[np.asarray(starts[1:-1], np.int64) - 1] = False
    steps = np.diff(times)[inner]
    steps = steps[steps > 0]
    if not len(steps):
        return None
    found = _calendar(times, steps)
    if found is None:
        values, counts = np.unique(steps, return_counts=True)
        found = Frequency("microseconds", int(values[counts.argmax()]))
    off = np.concatenate([
        found.numbers(times[a:b])[1] for a, b in pairwise(starts) if b > a
    ])  # fmt: skip
    return found, float((off < 1e-6).mean())


def moment(time: int) -> str:
    """Return a time [µs since 1970] as ISO 8601 has it, to the second.

    Examples:
        >>> moment(0), day_or_moment(0), day_or_moment(3 * HOUR)
        ('1970-01-01T00:00:00', '1970-01-01', '1970-01-01T03:00:00')
    """
    return str(np.datetime64(time, "us").astype("datetime64[s]"))


def day_or_moment(time: int) -> str:
    """Return a time as people say it: a midnight is its day."""
    return moment(time).removesuffix("T00:00:00")


def _calendar(times: np.ndarray, steps: np.ndarray) -> Frequency | None:
    """Return months or weekdays, where the times follow the calendar and not a fixed number of days."""
    dates = times.astype("datetime64[us]").astype("datetime64[D]")
    usual = float(np.median(steps))
    if usual >= 28 * DAY:
        months = dates.astype("datetime64[M]")
        first = bool(((dates - months.astype("datetime64[D]")).astype(np.int64) == _day(dates)).all())
        last = bool((dates + 1 == (months + 1).astype("datetime64[D]")).all())
        if first or last:
            apart = np.diff(np.unique(months)).astype(np.int64)
            return Frequency("months", int(np.bincount(apart).argmax())) if len(apart) else None
    if usual == DAY and len(times) > 10 and bool(np.is_busday(dates).all()) and (steps == 3 * DAY).any():
        return Frequency("weekdays", 1)
    return None


def _day(dates: np.ndarray) -> int:
    """The day of the month of the first date."""
    return int((dates[0] - dates[0].astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64))
