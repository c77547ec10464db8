"""Updating: what warm-start updates by the hour, daily, weekly, or none would have been worth on what was logged.

The log is walked through in periods. At the end of each, what is served is fitted further on every row whose outcome could be known by
then, and asked for the periods that follow. A schedule answers each row by its latest update before the row; schedules
are compared on the same rows, paired, over units. Which periods suit a log is `core.statistics.periods`'.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.contracts import Metric
from fieldguide.core.figures import number, span
from fieldguide.core.model import Model
from fieldguide.core.plain import finite
from fieldguide.core.problem import Output
from fieldguide.core.score import LEVEL, Difference, compare
from fieldguide.core.statistics.periods import UNITS, Periods, periods_for, schedules_of
from fieldguide.steps.online.versions import Material, as_it_is, from_weights

MOST_ROWS = 20_000
"""Served rows, the newest, on which schedules are compared."""
MOST_PERIODS = 100
"""Periods, the newest, that are walked through; what came before them is learned from."""
FEWEST = 200
"""Rows with an outcome below which an update is not made: some of them say when to stop, and too few say it at random."""


@dataclass(frozen=True)
class _Walk:
    """What was said of each row, by how many periods of the log the version that said it had seen.

    Args:
        answers: by number of periods seen, 0 for the served version: what it says of all rows from there on, as the metric reads it.

    Shape:
        period: (rows,) ascending
        answers[s]: (rows of periods from s on,) or (…, labels)
    """

    period: np.ndarray
    answers: Mapping[int, np.ndarray]
    n_updates: int
    seconds: float

    def of(self, every: int, first: int) -> np.ndarray:
        """Return what is said of rows from period `first` on by versions that are updated every so many periods."""
        parts = []
        for period in np.unique(self.period[self.period >= first]):
            version = int(period) // every * every
            answers = self.answers[version]
            start = len(self.period) - len(answers)
            rows = np.flatnonzero(self.period == period) - start
            parts.append(answers[rows])
        return np.concatenate(parts)


def updates_of(
    model: Model, outputs: tuple[Output, ...], metric: Metric, material: Material, wait: float, *, success: float = 0.0,
    period: str | None = None, seed: int = 0, threads: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Compare schedules of warm-start updates on the served rows.

    Args:
        wait: how long outcomes take [microseconds]: an update knows no younger rows.
        success: the gain that is worth an update, in units of the metric.
        period: hour, day, week …; None: what suits the span of the log.

    Returns:
        facts: `silence`, or schedules (the most frequent first; never last) with their paired difference to never, gains by
        period, and which one is `recommended`, with why.
    """
    served = material.served[-MOST_ROWS:]
    part = replace(
        material, rows=material.rows.take(served), table=replace(material.table, frame=material.table.frame[served]),
        blocks=material.blocks[served], times=material.times[served], n_earlier=0,
    )  # fmt: skip
    periods = periods_for(part.times, period)
    if isinstance(periods, str):
        return {"silence": periods}
    walk = _walk(model, outputs, part, periods, wait, seed, threads)
    if isinstance(walk, str):
        return {"silence": walk}
    first = min(version for version in walk.answers if version)
    if periods.n - first < 2:
        return {
            "silence": f"outcomes come so late that only the last of {periods.n} periods of {periods.name} has an update"
        }
    return _facts(metric, part, periods, walk, first, success, seed)


def _walk(
    model: Model,
    outputs: tuple[Output, ...],
    material: Material,
    periods: Periods,
    wait: float,
    seed: int,
    threads: int,
) -> _Walk | str:
    """Ask the served version and every update for the rows after it; or say why there are none."""
    period = periods.of(material.times)
    answers: dict[int, np.ndarray] = {0: as_it_is(model, outputs, material, np.arange(len(material.rows)))}
    seconds, n_updates = 0.0, 0
    for version in range(max(1, periods.n - MOST_PERIODS), periods.n):
        end = periods.start + version * periods.length
        known = np.flatnonzero(material.times + wait < end)
        after = np.flatnonzero(period >= version)
        if not len(after):
            break
        if len(known) < FEWEST:
            continue
        began = time.perf_counter()
        # Rows between what is known and the period are learned from by nobody.
        seen = replace(
            material, rows=material.rows.take(np.concatenate([known, after])),
            table=replace(material.table, frame=material.table.frame[np.concatenate([known, after])]),
            blocks=material.blocks[np.concatenate([known, after])], times=material.times[np.concatenate([known, after])],
        )  # fmt: skip
        found = from_weights(model, outputs, seen, np.arange(len(known), len(seen.rows)), seed, threads)
        if isinstance(found, str):
            return found
        answers[version], n_updates = found.answers, n_updates + 1
        seconds += time.perf_counter() - began
    if not n_updates:
        return f"no period but the last has {FEWEST} rows before it whose outcome is known"
    return _Walk(period, answers, n_updates, seconds / n_updates)


def _facts(
    metric: Metric, material: Material, periods: Periods, walk: _Walk, first: int, success: float, seed: int
) -> dict[str, Any]:
    n = periods.n - first
    judged = walk.period >= first
    truth, blocks = material.rows.truths[0][judged], material.blocks[judged]
    # Counted from the first period that has an update before it: every schedule begins with that one.
    shifted = _Walk(
        walk.period - first, {max(0, s - first): a for s, a in walk.answers.items() if s}, walk.n_updates, 0.0
    )
    never = walk.answers[0][judged]
    plans = [plan for plan in schedules_of(periods, n) if plan[0] != "never"]
    said = {name: shifted.of(every, 0) for name, every in plans}
    level = 1 - (1 - LEVEL) / len(plans)  # as many schedules are held against a less frequent one

    def against(one: np.ndarray, other: np.ndarray) -> Difference:
        return compare(metric, truth, one, other, blocks, seed, level=level)

    schedules = [
        {
            "name": name, "every": every, "n_updates": -(-n // every), "value": _value(metric, truth, said[name]),
            "difference": against(said[name], never).to_dict(),
        }
        for name, every in plans
    ]  # fmt: skip
    chosen, answers = "never", never
    steps = []
    for name, _ in reversed(plans):
        found = against(said[name], answers)
        if found.interval[0] > success:
            steps.append({"of": name, "to": chosen, **found.to_dict()})
            chosen, answers = name, said[name]
    finest = said[plans[0][0]]
    return {
        "silence": "", "period": periods.name, "n_periods": periods.n, "n_judged": int(judged.sum()), "n_updates": walk.n_updates,
        "seconds": walk.seconds, "level": level, "success": success, "never": _value(metric, truth, never), "schedules": schedules,
        "by_period": _by_period(metric, truth, finest, never, periods, walk.period[judged]),
        "recommended": chosen, "why": _why(schedules, steps, success), "finer": _finer(periods),
    }  # fmt: skip


def _by_period(
    metric: Metric, truth: np.ndarray, updated: np.ndarray, never: np.ndarray, periods: Periods, period: np.ndarray
) -> list[dict[str, Any]]:  # fmt: skip
    """Return, period by period, the score of the version that is never updated and of the one updated most often."""
    found = []
    for place in np.unique(period):
        rows = period == place
        start = int(periods.start + place * periods.length)
        found.append({
            "start": np.datetime64(start, "us").astype("datetime64[s]").astype(str), "n": int(rows.sum()),
            "never": _value(metric, truth[rows], never[rows]), "updated": _value(metric, truth[rows], updated[rows]),
        })  # fmt: skip
    return found


def _value(metric: Metric, truth: np.ndarray, answers: np.ndarray) -> float | None:
    return finite(metric.resample(truth, answers, np.ones((1, len(truth)), np.float32))[0])


def _finer(periods: Periods) -> str:
    """Return which schedules are more frequent than this log was cut for."""
    finer = [unit for unit, length in UNITS.items() if length < 0.9 * periods.length]
    return f"--period {finer[-1]}" if finer else ""


def _why(schedules: list[dict[str, Any]], steps: list[dict[str, Any]], success: float) -> str:
    if steps:
        return "; ".join(
            f"{s['of']} updates are better than {s['to']} by {number(s['value'], 3)} {span(s['interval'], 3)}" for s in steps
        )  # fmt: skip
    best = max(schedules, key=lambda s: s["difference"]["value"] if s["difference"]["value"] is not None else -np.inf)
    low, high = best["difference"]["interval"]
    if low is None or high is None:
        return "no difference has an interval"
    shown = f"{number(best['difference']['value'], 3, sign=True)} {span((low, high), 3)}"
    return f"no updates are reliably better than none by more than {success:g}: at best {best['name']}, {shown}"
