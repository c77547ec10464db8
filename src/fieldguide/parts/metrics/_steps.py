"""Errors of rows that are one number or several: forecasts, vectors."""

from __future__ import annotations

import numpy as np


def errors(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return prediction less truth: (rows, entries), one entry where a row is a number.

    Examples:
        >>> errors(np.array([1.0, 2.0]), np.array([[1.5], [2.0]])).tolist()
        [[0.5], [0.0]]
    """
    truth, prediction = columns(truth), columns(prediction)
    return prediction - truth


def columns(values: np.ndarray) -> np.ndarray:
    """Return values as (rows, entries) float64."""
    values = np.asarray(values, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values
