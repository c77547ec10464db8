"""Periods: equal stretches of time that suit a span, and schedules made of them.

Knows calendars only as lengths (a month is 30.4 days): what happens in a period is decided elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fieldguide.core.errors import ConfigError, nearest

DAY = 86_400_000_000
UNITS = {
    "hour": DAY / 24,
    "day": DAY,
    "week": 7 * DAY,
    "month": 30.4375 * DAY,
    "quarter": 91.3125 * DAY,
    "year": 365.25 * DAY,
}
"""Lengths of periods [microseconds]."""
ADVERBS = {
    "hour": "hourly",
    "day": "daily",
    "week": "weekly",
    "month": "monthly",
    "quarter": "quarterly",
    "year": "yearly",
}
FEWEST_PERIODS, MANY_PERIODS, MOST_PERIODS = 6, 10, 26
FEWEST_IN_PERIOD = 30


@dataclass(frozen=True)
class Periods:
    """Equal stretches of time.

    Args:
        unit: hour, day, week, month, quarter, year; or "period" where none suits the span.
        multiple: units in a period.
        length: of a period [microseconds].
        n: how many.
        start: when the first begins [microseconds since 1970].
    """

    unit: str
    multiple: int
    length: float
    n: int
    start: int

    @property
    def name(self) -> str:
        """A period in words: "month", "2 weeks", "3.1 days"."""
        if self.unit == "period":
            unit = next((u for u in reversed(UNITS) if self.length >= UNITS[u]), "hour")
            return f"{self.length / UNITS[unit]:.3g} {unit}s"
        return self.unit if self.multiple == 1 else f"{self.multiple} {self.unit}s"

    def of(self, times: np.ndarray) -> np.ndarray:
        """Return the period of each time, from 0."""
        return np.clip(((times - self.start) // self.length).astype(np.int64), 0, self.n - 1)


def periods_for(times: np.ndarray, period: str | None = None) -> Periods | str:
    """Return the periods that suit the span of the rows, or why there are none.

    The shortest of hour, day, week, month, quarter, year (then of two and three of them) that divides the span into 10 to 26
    periods, else into 6 to 26; where none does, twelve equal ones. A period that is asked for is obeyed.

    Args:
        times: (rows,) microseconds since 1970.
        period: one of the units; None: decide.

    Raises:
        ConfigError: there is no such unit.

    Examples:
        >>> two_years = np.arange(732) * DAY
        >>> found = periods_for(two_years)
        >>> found.name, found.n
        ('month', 24)
    """
    if period is not None and period not in UNITS:
        raise ConfigError(
            f"there is no period {period!r}{nearest(period, UNITS)}", rule="a period is a unit of time",
            found=repr(period),
            do=f"use one of {', '.join(UNITS)}"
        )  # fmt: skip
    span = float(np.ptp(times)) if len(times) else 0.0
    most = len(times) // FEWEST_IN_PERIOD
    if span <= 0 or most < FEWEST_PERIODS:
        return f"{len(times):,} rows with a time do not fill {FEWEST_PERIODS} periods of {FEWEST_IN_PERIOD} rows"
    last = int(times.max())

    def made(unit: str, multiple: int, length: float) -> Periods:
        # whole periods, counted back from the end: a first part of a period is only trained on
        return Periods(unit, multiple, length, int(span // length), last + 1 - math.floor(int(span // length) * length))

    if period is not None:
        found = made(period, 1, UNITS[period])
        return (
            found
            if found.n >= FEWEST_PERIODS
            else f"the rows span {found.n} whole {period}s, fewer than {FEWEST_PERIODS}"
        )
    for fewest in (MANY_PERIODS, FEWEST_PERIODS):  # few periods show little
        for multiple in (1, 2, 3):
            for unit, length in UNITS.items():
                n = int(span // (multiple * length))
                if fewest <= n <= min(MOST_PERIODS, most):
                    return made(unit, multiple, multiple * length)
    n = min(12, most)
    return made("period", 1, span / (n + 1e-9))


def in_periods(n: int, name: str) -> str:
    """Return a number of periods in words.

    Examples:
        >>> in_periods(9, "week"), in_periods(1, "month"), in_periods(9, "2 weeks")
        ('9 weeks', '1 month', '9 periods of 2 weeks')
    """
    if name in UNITS:
        return f"{n} {name}{'s' * (n != 1)}"
    return f"{n} periods of {name}"


def schedules_of(periods: Periods, oldest: int) -> list[tuple[str, int]]:
    """Return schedules that can be told apart, (name, periods between retrainings), the most frequent first; never is last.

    Examples:
        >>> schedules_of(Periods("week", 1, UNITS["week"], 20, 0), 12)
        [('weekly', 1), ('monthly', 4), ('never', 12)]
    """
    found = [
        (ADVERBS[periods.unit] if periods.unit != "period" and periods.multiple == 1 else f"every {periods.name}", 1)
    ]
    for unit, length in UNITS.items():
        every = round(length / periods.length)
        if 2 <= every < oldest:
            found.append((ADVERBS[unit], every))
    if len(found) == 1 and oldest > 2:
        unit = periods.name if periods.multiple == 1 and periods.unit != "period" else "period"
        found.append((f"every 2 {unit}s", 2))
    return [*found, ("never", oldest)]
