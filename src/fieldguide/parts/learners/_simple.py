"""Simple learners of forecasts: what they have in common, and how a rule answers windows of any number.

Knows the contract's plain answers for learners without steps or epochs; what is forecast from a window is each learner's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch
from fieldguide.core.contracts import Predictions
from fieldguide.core.settings import setting
from fieldguide.parts.learners._history import history, slices


class SimpleForecast:
    """A learner of forecasts that is fitted at once: nothing stops early, and no rows need to be in memory together."""

    kind: ClassVar[Literal["simple"]] = "simple"
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    forecasts: ClassVar[bool] = True
    recipe: ClassVar[Mapping[str, Any]] = {}


def season_setting() -> Any:
    return setting(1, "steps of a season [steps]; a study takes it from problem.season")


def answered(batch: Batch, window: int, horizon: int, forecast: Callable[[np.ndarray], np.ndarray]) -> Predictions:
    """Return the forecasts of a batch, a slice of dense windows at a time.

    Shape:
        forecast: (rows, window) to (rows, horizon)
        returns[0]: (rows, horizon) float64
    """
    out = np.empty((len(batch), horizon))
    for rows in slices(len(batch)):
        out[rows] = forecast(history(batch.take(rows), window))
    return (out,)
