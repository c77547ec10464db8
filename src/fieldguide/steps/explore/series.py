"""Explore a forecast: look at the development steps of every series, and recommend the metric before any model is fitted.

Takes the panel up to the last step a development target reaches. Describes steps, gaps, seasons and level shifts; the evidence is
judged by the checks of this step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fieldguide.core.finding import Finding
from fieldguide.core.plain import finite
from fieldguide.core.problem import Problem
from fieldguide.core.resolution import smallest_difference
from fieldguide.core.rows import Rows
from fieldguide.core.series.frequency import day_or_moment
from fieldguide.core.series.panel import Examples, scale_of
from fieldguide.core.series.seasonality import autocorrelation, level_shift
from fieldguide.core.settings import values_of
from fieldguide.core.split import Split
from fieldguide.parts import find
from fieldguide.steps.checking import checked, ordered

DRAWN = 8
"""Series that are drawn; the rest is counted."""
POINTS = 320
LOOKED_AT = 200
"""Series whose season and level are looked at, spread evenly over them."""


def explore_series(
    examples: Examples, rows: Rows, split: Split, problem: Problem, framed: Mapping[str, Any], metrics_before: Sequence[str], *, seed: int
) -> tuple[dict[str, Any], tuple[Finding, ...]]:  # fmt: skip
    """Describe development steps and recommend a metric.

    Args:
        examples: scaled; only steps up to the last development target are looked at.
        rows: development examples.
        framed: what framing says of the series.
        metrics_before: metrics by which models of this study were judged before.

    Returns:
        facts (series: seasons, shifts, lines to draw; metric; target) and the findings of the step.
    """
    panel = examples.panel
    origins = examples.origins.take(split.development)
    until = int(panel.times[panel.known_at(origins) + examples.horizon].max())
    numbers = np.unique(np.linspace(0, len(panel) - 1, min(LOOKED_AT, len(panel))).astype(int))
    seen = {int(i): panel.series(int(i))[panel.times_of(int(i)) <= until] for i in numbers}
    facts_of = [
        _facts(panel.names[i], values, panel.times_of(i), examples) | _against_scale(examples, i, values, str(framed["scale"]))
        for i, values in seen.items() if len(values)
    ]  # fmt: skip
    metric = _recommend(problem, rows, split, str(framed["scale"]), seed)
    sample = np.asarray(rows.truths[0][:: max(1, len(rows) // 2000)])
    target = _described(problem, sample)
    tests = _independent(examples, split)
    series = {
        **dict(framed), "until": day_or_moment(until), "described": facts_of, "seasons": _seasons(facts_of), "independent_targets": tests,
        "lines": [_line(panel.names[i], seen[i], panel.times_of(i)) for i in list(seen)[:DRAWN]],
    }  # fmt: skip
    facts = {
        "sentence": f"{len(panel):,} series in steps of {examples.frequency.words}; judged by {metric['title']}", "n_rows": len(rows), "excluded": [],
        "columns": {}, "targets": [target], "associations": {}, "metrics": [metric], "samples": [], "proxies": None, "assumptions": [], "derived": None,
        "series": series,
    }  # fmt: skip
    found = checked("explore", problem=problem, roles=split.roles, metrics_before=metrics_before, series=series)
    changed = find("checks", "fg311_metric_changed")()  # all that a forecast's profile has in common with a table's
    own = [replace(one, step="explore") for one in changed.run(profile=facts, metrics_before=metrics_before)]
    return facts, ordered([*(one for one in found if one.code != changed.code), *own])


def _facts(name: str, values: np.ndarray, times: np.ndarray, examples: Examples) -> dict[str, Any]:
    """Return what one series says of its season and level."""
    seasons = sorted({*examples.frequency.seasons, examples.season})
    shift = level_shift(values, examples.season)
    return {
        "series": name, "n_steps": len(values), "n_missing": int(np.isnan(values).sum()), "mean": float(np.nanmean(values)), "sd": float(np.nanstd(values)),
        "low": float(np.nanmin(values)), "high": float(np.nanmax(values)),
        "autocorrelation": {str(s): finite(autocorrelation(values, s)) for s in seasons if s > 1},
        "shift": None if shift is None else {
            "at": day_or_moment(int(times[shift.at])), "before": shift.before, "after": shift.after, "size": shift.size, "t": shift.t
        },
    }  # fmt: skip


def _against_scale(examples: Examples, number: int, values: np.ndarray, by: str) -> dict[str, float | None]:
    """Return the scale of a series, which its earliest steps give, and what all of its development steps would give."""
    scale = examples.panel.scale
    if scale is None:
        return {"scale": None, "whole_scale": None}
    return {"scale": float(scale[number]), "whole_scale": finite(scale_of(values, by, examples.season))}


def _seasons(facts_of: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the median over series of the correlation at each season's lag."""
    lags = sorted({lag for one in facts_of for lag in one["autocorrelation"]}, key=int)
    found = {}
    for lag in lags:
        values = [one["autocorrelation"].get(lag) for one in facts_of]
        values = [value for value in values if value is not None]
        if values:
            found[lag] = float(np.median(values))
    return found


def _independent(examples: Examples, split: Split) -> dict[str, int]:
    """Return how many targets without a common step the judged stretches hold."""
    times = examples.panel.times_at(examples.origins)

    def count(rows: np.ndarray) -> int:
        distinct, n, last = np.unique(times[rows]), 0, None
        for time in distinct:
            if last is None or time >= last + examples.span:
                n, last = n + 1, time
        return n

    return {"test": count(split.test), "validation": sum(count(split.work[fold.validation]) for fold in split.folds)}


def _recommend(problem: Problem, rows: Rows, split: Split, scale: str, seed: int) -> dict[str, Any]:
    """Return the metric: the declared one, else MASE."""
    output = problem.output
    metric = output.metric or find("metrics", "mase" if scale == "seasonal" else "mse")()
    why = "You chose it." if output.metric is not None else (
        "It counts errors in mean changes over a season, so that series of any size and unit count alike; 1 is as far off as repeating the last "
        "season is, one step ahead." if scale == "seasonal" else "Series are compared on the scale that data.scale states."
    )  # fmt: skip
    chosen = np.linspace(0, len(rows) - 1, min(2000, len(rows))).astype(int)
    return {
        "output": output.name, "metric": metric.name, "title": metric.title, "why": why, "declared": output.metric is not None,
        "settings": values_of(metric),
        "smallest_difference": smallest_difference(metric, output, np.asarray(rows.truths[0][chosen]), split.roles.blocks[chosen], seed=seed),
    }  # fmt: skip


def _described(problem: Problem, sample: np.ndarray) -> dict[str, Any]:
    """Return the distribution of all steps of a sample of targets."""
    values = sample.ravel()
    edges = np.histogram_bin_edges(values, 30)
    return {
        "output": problem.output.name, "n": len(sample), "mean": float(values.mean()), "sd": float(values.std()), "skewness": None,
        "quantiles": {str(q): float(np.quantile(values, q)) for q in (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)},
        "histogram": {"edges": edges.tolist(), "counts": np.histogram(values, edges)[0].tolist()},
    }  # fmt: skip


def _line(name: str, values: np.ndarray, times: np.ndarray) -> dict[str, Any]:
    """Return a series to draw: means of neighbouring steps where there are many."""
    block = max(1, -(-len(values) // POINTS))
    points = []
    for start in range(0, len(values), block):
        part = values[start : start + block]
        known = part[np.isfinite(part)]
        points.append({"time": day_or_moment(int(times[start])), "value": float(known.mean()) if len(known) else None})
    return {"series": name, "steps_a_point": block, "points": points}
