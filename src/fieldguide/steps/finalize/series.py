"""Judge forecasts: by step of the horizon, by series, with intervals, and drawn against the truth.

Takes answers and truths that were judged already, and the intervals that validation errors gave before the seal was opened;
computes facts for eyes. The score itself is `core.leaderboard`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fieldguide.core.plain import finite
from fieldguide.core.series.ahead import unit_of
from fieldguide.core.series.frequency import moment
from fieldguide.core.series.panel import Examples
from fieldguide.core.statistics.bootstrap import resampled

LEVEL = 0.9
DRAWN = 4
TAIL = 2.0
"""Horizons of the past that are drawn before a forecast."""
MOST_SERIES = 40
MOST_STEPS = 64


def interval_of(
    examples: Examples, rows: np.ndarray, truth: np.ndarray, answer: np.ndarray, level: float = LEVEL
) -> dict[str, Any]:
    """Return how far forecasts were off on rows that were not learned from, step by step: the ends of an interval.

    Ends are quantiles of the errors in multiples of each window's own mean change over a season, so that they fit series of any size;
    the share beyond each end is lowered by one over the number of independent targets, as a new error is one more draw.

    Shape:
        rows: (judged,) examples
        truth, answer: (judged, horizon)

    Source:
        split conformal prediction: Lei et al. (2018), Distribution-free predictive inference for regression.
    """
    unit = unit_of(np.asarray(examples.cells(rows)["history"]), examples.season)
    errors = (truth - answer) / unit[:, None]
    n = max(
        2.0,
        len(np.unique(examples.panel.times_at(examples.origins.take(rows)))) / examples.horizon * len(examples.panel),
    )
    out = max(0.0, (1 - level) / 2 - level / (2 * n))
    low, high = np.quantile(errors, [out, 1 - out], axis=0)
    return {"level": level, "low": low.tolist(), "high": high.tolist(), "n": len(rows)}


def forecast_facts(
    examples: Examples, rows: np.ndarray, truth: np.ndarray, answer: np.ndarray, blocks: np.ndarray, interval: Mapping[str, Any], *, seed: int
) -> dict[str, Any]:  # fmt: skip
    """Return what is told of forecasts: errors by step and by series beside those of repeating the last value, coverage, lines.

    Shape:
        rows: (judged,) examples; truth, answer: (judged, horizon), scaled; blocks: (judged,)
    """
    past = np.asarray(examples.cells(rows)["history"])
    last = past[:, -1:]
    own, repeat = np.abs(truth - answer), np.abs(truth - last)
    unit = unit_of(past, examples.season)[:, None]
    low, high = answer + unit * np.array(interval["low"]), answer + unit * np.array(interval["high"])
    inside = (truth >= low) & (truth <= high)
    return {
        "by_step": _by_step(own, repeat, inside, blocks, seed), "by_series": _by_series(examples, rows, own, repeat),
        "coverage": {"level": interval["level"], "share": float(inside.mean()), "n": int(inside.size), **_interval(inside.mean(axis=1), blocks, seed)},
        "against_repeat": _against(own, repeat, blocks, seed), "lines": _lines(examples, rows, past, truth, answer, low, high, own),
        "frequency": examples.frequency.words, "season": examples.season, "n_series": len(np.unique(examples.origins.series[rows])),
    }  # fmt: skip


def _by_step(
    own: np.ndarray, repeat: np.ndarray, inside: np.ndarray, blocks: np.ndarray, seed: int
) -> list[dict[str, Any]]:
    """Return the mean absolute error of each step (of groups of steps where there are many), its interval, and repeating's."""
    horizon = own.shape[1]
    groups = np.array_split(np.arange(horizon), min(horizon, MOST_STEPS))
    found = []
    for steps in groups:
        mean = own[:, steps].mean(axis=1)
        gained = repeat[:, steps].mean(axis=1) - mean
        better = _interval(gained, blocks, seed)
        found.append({
            "step": int(steps[0]) + 1, "to": int(steps[-1]) + 1, "error": float(mean.mean()), **_interval(mean, blocks, seed),
            "repeat": float(repeat[:, steps].mean()), "gain": float(gained.mean()), "gain_interval": better["interval"],
            "coverage": float(inside[:, steps].mean()),
        })  # fmt: skip
    return found


def _by_series(examples: Examples, rows: np.ndarray, own: np.ndarray, repeat: np.ndarray) -> list[dict[str, Any]]:
    """Return errors by series, the worst against repeating first."""
    series = examples.origins.series[rows]
    found = []
    for number in np.unique(series):
        at = series == number
        error, other = float(own[at].mean()), float(repeat[at].mean())
        scale = 1.0 if examples.panel.scale is None else float(examples.panel.scale[number])
        found.append({
            "series": examples.panel.names[number], "n": int(at.sum()), "error": error, "repeat": other, "ratio": error / other if other > 0 else None,
            "error_in_unit": error * scale,
        })  # fmt: skip
    found.sort(key=lambda one: -(one["ratio"] if one["ratio"] is not None else 0.0))
    return found[:MOST_SERIES]


def _against(own: np.ndarray, repeat: np.ndarray, blocks: np.ndarray, seed: int) -> dict[str, Any]:
    """Return by how much the forecast is nearer than the last value repeated, in mean absolute error, with its interval."""
    gained = repeat.mean(axis=1) - own.mean(axis=1)
    return {
        "gain": float(gained.mean()),
        "error": float(own.mean()),
        "repeat": float(repeat.mean()),
        **_interval(gained, blocks, seed),
    }


def _interval(values: np.ndarray, blocks: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the bootstrap interval of a mean over blocks; ends are None where there is one block."""
    distinct, of_row = np.unique(blocks, return_inverse=True)
    sums, counts = np.bincount(of_row, values), np.bincount(of_row).astype(np.float64)
    if len(distinct) < 2:
        return {"interval": [None, None]}
    found = resampled(lambda w: (w @ sums) / np.maximum(w @ counts, 1e-12), np.arange(len(distinct)), seed, 300)
    return {"interval": [finite(end) for end in found.interval]}


def _lines(
    examples: Examples, rows: np.ndarray, past: np.ndarray, truth: np.ndarray, answer: np.ndarray, low: np.ndarray, high: np.ndarray, own: np.ndarray,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return forecasts to draw, in the unit of their series: the middle one by error of a few series, and the worst of all."""
    series, found = examples.origins.series[rows], []
    error = own.mean(axis=1)
    numbers = np.unique(series)
    drawn = numbers[np.unique(np.linspace(0, len(numbers) - 1, min(DRAWN, len(numbers))).astype(int))]
    chosen = [
        ("usual", int(np.flatnonzero(series == i)[np.argsort(error[series == i])[int((series == i).sum()) // 2]]))
        for i in drawn
    ]
    chosen.append(("worst", int(error.argmax())))
    for why, place in chosen:
        number = int(series[place])
        scale = 1.0 if examples.panel.scale is None else float(examples.panel.scale[number])
        at = int(examples.panel.known_at(examples.origins.take(rows[[place]]))[0])
        tail = min(past.shape[1], int(TAIL * examples.horizon))
        times = examples.panel.times[at - tail + 1 : at + examples.horizon + 1]
        found.append({
            "series": examples.panel.names[number], "why": why, "origin": moment(int(examples.panel.times[at])),
            "times": [moment(int(time)) for time in times], "past": (past[place, -tail:] * scale).tolist(), "truth": (truth[place] * scale).tolist(),
            "forecast": (answer[place] * scale).tolist(), "low": (low[place] * scale).tolist(), "high": (high[place] * scale).tolist(),
        })  # fmt: skip
    return found
