"""The past of examples, as learners of forecasts read it: a slice at a time, on its own scale.

Knows the block of windows in a batch. A forecast's unit is its window's: what is learned is applied to a window less its last
value, divided by its own deviation, so that shifting or stretching a series shifts and stretches its forecast.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.errors import ConfigError
from fieldguide.core.series.panel import HISTORY

SLICE = 4096
"""Examples that are dense at a time."""


def slices(n_rows: int, size: int = SLICE) -> Iterator[slice]:
    """Yield slices that cover rows, one after another."""
    for start in range(0, n_rows, size):
        yield slice(start, min(n_rows, start + size))


def length_of(batch: Batch) -> int:
    """Return the steps of a window.

    Raises:
        ConfigError: the batch holds no windows: the learner is asked for something else than a forecast.
    """
    for spec in batch.layout.blocks:
        if spec.name == HISTORY:
            return spec.shape[0]
    raise ConfigError(
        "this learner forecasts from the past of a series, and these rows have none",
        rule="naive, seasonal_naive, ets, theta, nlinear, lagged_boosting, dlinear, recurrent and patchtst belong to task: forecast",
        found=f"blocks of the rows: {', '.join(spec.name for spec in batch.layout.blocks) or 'none'}",
        do="set problem.task: forecast, or leave the learner out",
    )


def history(batch: Batch, window: int = 0) -> np.ndarray:
    """Return the last `window` steps of every example (0: all of them): (rows, steps) float64."""
    whole = batch.arrays[HISTORY].load()
    return np.asarray(whole[:, -window:] if window else whole, np.float64)


def horizon_of(train: Encoded) -> int:
    """Return how many steps a target has."""
    target = train.targets[0]
    return int(target.shape[1]) if target.ndim > 1 else 1


def dense(target: Any) -> np.ndarray:
    """Return targets as (rows, horizon) float64."""
    values = np.asarray(target, np.float64)
    return values[:, None] if values.ndim == 1 else values


def deviation(window: np.ndarray) -> np.ndarray:
    """Return the scale of each window, (rows,): its standard deviation, 1 where it is constant."""
    sd = window.std(axis=1)
    return np.where(sd > 1e-9 * (1.0 + np.abs(window).max(axis=1, initial=0.0)), sd, 1.0)
