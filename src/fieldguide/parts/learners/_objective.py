"""Which loss a learner minimises for an output: the problem's where it can, else the task's own.

Knows names of losses. What could not be minimised is told by the check FG506, never passed over.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np


def minimised(output: Any, able: Collection[str]) -> str:
    """Return the name of the loss: that of `problem.loss` if it is among `able`, else the task's own.

    Examples:
        >>> from types import SimpleNamespace as N
        >>> output = N(loss=N(name="huber"), task=N(loss="squared_error"))
        >>> minimised(output, ("huber",)), minimised(output, ("squared_error",))
        ('huber', 'squared_error')
    """
    chosen = getattr(output, "loss", None)
    return str(chosen.name) if chosen is not None and chosen.name in able else str(output.task.loss)


def class_weights(output: Any, target: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
    """Return row weights times the class weights of the loss `weighted`; what a learner of other kinds makes of it.

    Shape:
        target: (rows,) int64 codes
        weights, returns: (rows,) float64, or None for equal weights
    """
    chosen = getattr(output, "loss", None)
    if chosen is None or chosen.name != "weighted":
        return weights
    factors = chosen.factors or chosen.fitted(target, output).factors
    of_row: np.ndarray = np.asarray(factors)[target]
    return of_row if weights is None else of_row * weights
