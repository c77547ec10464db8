"""What checks of forecasts are tested on: facts of clean series, and of clean forecasts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from fieldguide import parts
from fieldguide.core.problem import Output, Problem


def series_of(**changed: Any) -> dict[str, Any]:
    """Return facts of two clean daily series."""
    described = [
        {
            "series": name,
            "n_steps": 400,
            "n_missing": 0,
            "mean": 5.0,
            "sd": 1.0,
            "low": 1.0,
            "high": 9.0,
            "autocorrelation": {"7": 0.6},
            "shift": None,
        }
        for name in ("a", "b")
    ]
    clean = {
        "n_missing": 0, "n_steps": 800, "n_gaps": 0, "gaps": [], "horizon": 14, "window": 56, "season": 7, "n_conflicts": 0, "n_repeated": 0, "n_unsorted": 0,
        "conflicts": [], "first_unsorted": None, "n_off_grid": 0, "off_grid_rows": [], "n_rows": 800, "frequency": {"words": "1 day"}, "described": described,
        "independent_targets": {"test": 12, "validation": 12}, "seasons": {"7": 0.6}, "n_short": 0, "short": [], "empty": [], "n_series": 2, "beside": [],
    }  # fmt: skip
    return {"series": {**clean, **changed}}


def forecast_trial(name: str, value: float, **settings: Any) -> Any:
    learner = parts.find("learners", name)(**settings)
    entry = {"candidate": name, "kind": learner.kind, "scores": [{"metric": "mase", "value": value}]}
    return SimpleNamespace(
        name=name, candidate=SimpleNamespace(learner=learner, kind=learner.kind), entry=entry, rows=np.arange(400)
    )


def forecast_bench(value: float, low: float, high: float) -> Any:
    task = parts.find("tasks", "forecast")()
    problem = Problem((Output("sales", task, task.steps(3), parts.find("metrics", "mase")()),))
    return SimpleNamespace(
        problem=problem, compared=lambda a, b: {"value": value, "interval": [low, high], "p": 0.1, "n": 400}
    )


def forecasts_of(**changed: Any) -> dict[str, Any]:
    """Return facts of forecasts that are worth something at every step and in every series."""
    step = {
        "error": 1.0,
        "repeat": 2.0,
        "gain": 1.0,
        "gain_interval": [0.8, 1.2],
        "interval": [0.9, 1.1],
        "coverage": 0.9,
    }
    clean = {
        "by_step": [{"step": i, "to": i, **step} for i in (1, 2, 3)], "n_series": 2,
        "by_series": [{"series": name, "n": 10, "error": 1.0, "repeat": 2.0, "ratio": 0.5, "error_in_unit": 1.0} for name in ("a", "b")],
        "coverage": {"level": 0.9, "share": 0.9, "n": 300, "interval": [0.87, 0.93]}, "against_repeat": {"gain": 1.0, "error": 1.0, "repeat": 2.0, "interval": [0.8, 1.2]},
    }  # fmt: skip
    return {"facts": {"forecasts": {**clean, **changed}}}
