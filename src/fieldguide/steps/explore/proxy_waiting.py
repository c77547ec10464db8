"""Waiting for an event: how long it takes, rows still waiting included, and when a row counts as judged.

Knows moments and delay curves; whether an event is a good proxy is `proxy`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.documents.proxy_sections import OUTCOME, Proxies
from fieldguide.core.statistics.delay import DelayCurve, kaplan_meier
from fieldguide.core.table import Table
from fieldguide.steps.frame.events import Event, times_of, until_of

SHARES = (0.5, 0.9, 0.99)
MATURE = 0.9
"""A row counts as judged once it was followed for as long as 90 % of the events that come take."""
FEWEST_MATURE = 100
MOST_CURVE = 60


@dataclass(frozen=True)
class Waiting:
    """How long an event takes, from one moment to another.

    Args:
        curve: share arrived by the wait.
        n_before: rows in which it happened before the start: counted as at once.
        late: share of the events that will come and have not yet, of the rows as they are.

    Shape:
        followed: (rows,) time under observation, NaN where not known
    """

    curve: DelayCurve
    n_before: int
    late: float
    followed: np.ndarray

    def to_dict(self, unit: str) -> dict[str, Any]:
        keep: Any = (
            np.unique(np.linspace(0, max(0, len(self.curve.times) - 1), MOST_CURVE).astype(int))
            if len(self.curve.times)
            else []
        )
        points = [{"wait": float(self.curve.times[i]), "arrived": float(self.curve.arrived[i])} for i in keep]
        return {
            **{name: self.curve.wait(share) for name, share in zip(("median", "p90", "p99"), SHARES)},
            "unit": unit, "n": self.curve.n, "n_waiting": self.curve.n_waiting, "followed": self.curve.followed,
            "n_before": self.n_before, "late": self.late, "curve": points,
        }  # fmt: skip


def waiting(start: np.ndarray, event: np.ndarray, until: np.ndarray) -> Waiting | None:
    """Return the delay from a start to an event, rows still waiting included; None where no row can be followed.

    Shape:
        start: (rows,) NaN: not started
        event: (rows,) NaN: not happened (yet)
        until: (rows,) end of observation
    """
    end = np.where(np.isnan(event), until, event)
    followed = until - start
    usable = ~np.isnan(end - start) & ((end >= start) | ~np.isnan(event))
    if not usable.any():
        return None
    observed = ~np.isnan(event[usable])
    durations = (end - start)[usable]
    curve = kaplan_meier(np.maximum(durations, 0), observed)
    return Waiting(curve, int((durations < 0).sum()), _late(curve, followed[usable]), followed)


def _late(curve: DelayCurve, followed: np.ndarray) -> float:
    """Return 1 − (events expected to have arrived) / (events expected in all), rows as old as they are."""
    if not len(curve.times):
        return 0.0
    ages = np.maximum(followed[~np.isnan(followed)], 0)
    place = np.searchsorted(curve.times, ages, side="right")
    arrived = np.concatenate([[0.0], curve.arrived])[place]
    return float(1 - arrived.mean() / curve.arrived[-1]) if len(ages) else 0.0


@dataclass(frozen=True)
class Clock:
    """Moments of the rows: of the row itself, and up to when it was observed."""

    row: np.ndarray | None
    until: np.ndarray | None
    unit: str
    stated: bool


def clock_of(table: Table, proxies: Proxies, events: Mapping[str, Event]) -> Clock:
    timed = [event.time for event in events.values() if event.time is not None]
    if not timed:
        return Clock(None, None, "", False)
    names = [e.time for e in proxies.values() if e.time is not None]
    unit = "days" if table.column(names[0]).kind == "datetime" else "units"
    moments = table.role("time")
    row = times_of(table, moments[0].name) if moments and unit == "days" else None
    said = proxies[OUTCOME].observed_until if OUTCOME in proxies else None
    if said is not None:
        return Clock(row, until_of(table, said), unit, True)
    latest = max(np.nanmax(values, initial=-np.inf) for values in (*timed, *([] if row is None else [row])))
    return Clock(row, np.full(table.n_rows, latest), unit, False)


@dataclass(frozen=True)
class Judged:
    """A label with what is known of it: its waits, and its values on rows that were followed long enough.

    Shape:
        label: (rows,) float64, NaN where not known or not followed long enough
    """

    event: Event
    since_row: Waiting | None
    label: np.ndarray

    @property
    def known(self) -> np.ndarray:
        return ~np.isnan(self.label)

    @property
    def positives(self) -> int:
        return int((np.nan_to_num(self.label) > 0).sum())

    @property
    def rarer(self) -> int:
        known = self.label[self.known]
        counts = np.unique(known, return_counts=True)[1]
        return int(counts.sum() - counts.max()) if len(counts) else 0


def matured(event: Event, clock: Clock) -> Judged:
    """Return an event's labels on rows followed for as long as 90 % of its arrivals take; the others are not known yet.

    Young rows are set aside whether or not it has happened: to keep those in which it has would raise the rate.
    """
    if event.time is None or clock.row is None or clock.until is None:
        return Judged(event, None, event.label)
    came = np.where(event.happened, event.time, np.nan)
    found = waiting(clock.row, came, clock.until)
    wait = None if found is None else found.curve.wait(MATURE)
    if found is None or wait is None:
        return Judged(event, found, event.label)
    old = found.followed >= wait
    return Judged(event, found, np.where(old, event.label, np.nan) if old.sum() >= FEWEST_MATURE else event.label)
