"""Forecasters: which learners take part in a forecast, with the season and the window of the study; and examples as raw rows.

Knows names of learners and what an example looks like to whoever asks a model for a forecast.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np

from fieldguide.core.series.panel import HISTORY, KNOWN, OBSERVED, Examples
from fieldguide.core.table import Table

BASELINES = ("naive", "seasonal_naive", "nlinear", "lagged_boosting", "theta", "ets")
BY_STATSFORECAST = ("theta", "ets")
FROM_MINUTES = 1.0
"""A shorter budget is not spent on loading statsforecast, which takes as long as all other baselines together."""
NETWORKS = ("dlinear", "recurrent", "patchtst")
SAMPLES = 48


def baselines(minutes: float | None) -> tuple[str, ...]:
    """Return the baselines of a forecast: all, or those that need no package that is missing or slow to load.

    Examples:
        >>> baselines(0.5)
        ('naive', 'seasonal_naive', 'nlinear', 'lagged_boosting')
    """
    able = importlib.util.find_spec("statsforecast") is not None and (minutes is None or minutes >= FROM_MINUTES)
    return tuple(name for name in BASELINES if able or name not in BY_STATSFORECAST)


def settings_of(learner: Any, examples: Examples) -> dict[str, Any]:
    """Return the settings that a study's season, window and calendar give a learner."""
    given = {
        "season": examples.season,
        "calendar": examples.panel.n_calendar,
        "window": min(examples.window, getattr(learner, "window", 0) or examples.window),
    }
    fields = {field.name for field in dataclasses.fields(learner)}
    return {name: value for name, value in given.items() if name in fields}


def samples_of_examples(examples: Examples, table: Table, rows: np.ndarray, n: int = SAMPLES) -> list[dict[str, Any]]:
    """Return evenly spaced examples as a caller would send them: the past as a list, in the series' own unit.

    Args:
        table: the examples' table; `rows` are of it.
    """
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(n, len(rows))).astype(int))]
    plain = dataclasses.replace(examples, panel=dataclasses.replace(examples.panel, scale=None))
    return rows_of_examples(plain, table.frame[chosen].to_dicts(), chosen)


def rows_of_examples(examples: Examples, told: list[dict[str, Any]], rows: np.ndarray) -> list[dict[str, Any]]:
    """Return raw rows from the examples' plain columns, with their windows put in as lists."""
    windows: Mapping[str, Any] = {name: np.asarray(cells) for name, cells in examples.cells(rows).items()}
    found = []
    for place, row in enumerate(told):
        plain = {
            name: str(value) if hasattr(value, "isoformat") else value
            for name, value in row.items()
            if name not in (HISTORY, KNOWN, OBSERVED)
        }
        found.append({**plain, **{name: cells[place].tolist() for name, cells in windows.items()}})
    return found
