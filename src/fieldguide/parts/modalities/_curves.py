"""Series of numbers: one spelling for a cell, one length for a network, and what a few kernels see in them.

Knows channels and steps; nothing of columns, recipes or of what the numbers measure.

A cell is a list of numbers, or a list of channels that are lists of equally many numbers; as a text it is written as JSON, or
as numbers between white space, commas or semicolons. Missing steps are `null`, `nan` or `None`, and become NaN.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_STEPS = 1_000_000  # of one cell
_BETWEEN = re.compile(r"[\s,;]+")
_UNKNOWN = re.compile(r"(?:[-+]?\binf|\b(?:nan|None|NaN|NA))\b")
_GREATEST = float(np.finfo(np.float32).max)  # beyond it a step is no number a network can take, and counts as missing


def parsed(text: str) -> np.ndarray | None:
    """Return a text as (channels, steps) float64, NaN where a step is missing; None where it is no series.

    Examples:
        >>> parsed("[1, 2.5, null]").tolist(), parsed("1;2").tolist(), parsed("[[1], [2]]").shape, parsed("hello") is None
        ([[1.0, 2.5, nan]], [[1.0, 2.0]], (2, 1), True)
    """
    if not text.startswith("["):
        return _of_numbers(_BETWEEN.split(text.strip()))
    try:
        return of_lists(json.loads(_UNKNOWN.sub("null", text)))
    except (ValueError, RecursionError):
        return None


def of_lists(found: list[Any]) -> np.ndarray | None:
    """Return a list of numbers, or of channels of equally many numbers, as (channels, steps) float64; None where it is neither.

    Examples:
        >>> of_lists([1, None]).tolist(), of_lists([[1.0], [2.0]]).shape, of_lists([[1.0], [2.0, 3.0]]) is None
        ([[1.0, nan]], (2, 1), True)
    """
    channels = found if found and all(isinstance(channel, list) for channel in found) else [found]
    if not channels[0] or any(len(channel) != len(channels[0]) for channel in channels):
        return None
    arrays = [_of_numbers(channel) for channel in channels]
    return None if any(array is None for array in arrays) else np.concatenate(arrays)  # type: ignore[arg-type]


def _of_numbers(values: Sequence[object]) -> np.ndarray | None:
    if not values or len(values) > MOST_STEPS or any(isinstance(v, bool | list | dict) for v in values):
        return None
    try:
        numbers = np.array([math.nan if v is None else float(v) for v in values], np.float64)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return np.where(np.abs(numbers) <= _GREATEST, numbers, np.nan)[None]


def spelled(series: np.ndarray) -> str:
    """Return the one spelling of a series: JSON, numbers as Python writes them, null where missing.

    Examples:
        >>> spelled(np.array([[1.0, np.nan]])), spelled(np.array([[1.0], [2.5]]))
        ('[1.0, null]', '[[1.0], [2.5]]')
    """
    channels = [[None if math.isnan(v) else v for v in channel] for channel in series.tolist()]
    return json.dumps(channels[0] if len(channels) == 1 else channels)


def filled(series: np.ndarray) -> np.ndarray:
    """Return a series with its missing steps between known ones on straight lines; the ends as their neighbours; else 0."""
    found = series.copy()
    for channel in found:
        known = np.flatnonzero(~np.isnan(channel))
        if len(known) < len(channel):
            channel[:] = np.interp(np.arange(len(channel)), known, channel[known]) if len(known) else 0.0
    return found


def stretched(series: np.ndarray, n_steps: int) -> np.ndarray:
    """Return a series of so many steps, on straight lines between its own: (channels, n_steps).

    Examples:
        >>> stretched(np.array([[0.0, 2.0]]), 3).tolist()
        [[0.0, 1.0, 2.0]]
    """
    have = series.shape[1]
    if have == n_steps:
        return series
    at = np.linspace(0, have - 1, n_steps)
    return np.stack([np.interp(at, np.arange(have), channel) for channel in series])


class Kernels:
    """Random convolutions over series of one length, and two numbers of each: the share above zero and the greatest value.

    Args:
        n_channels, n_steps: of the series.
        n_kernels: how many.
        seed: of their draws.

    Source:
        Dempster, Petitjean, Webb, "ROCKET: Exceptionally Fast and Accurate Time Series Classification Using Random
        Convolutional Kernels", 2020.

    Examples:
        >>> Kernels(1, 24, 10, seed=0)(np.zeros((3, 1, 24))).shape
        (3, 20)
    """

    def __init__(self, n_channels: int, n_steps: int, n_kernels: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.n_steps, self.kernels = n_steps, []
        for _ in range(n_kernels):
            length = int(rng.choice([n for n in (7, 9, 11) if n <= n_steps] or [max(1, n_steps)]))
            most = np.log2(max(1.0, (n_steps - 1) / max(1, length - 1)))
            dilation = int(2 ** rng.uniform(0, most)) if most > 0 else 1
            channels = rng.permutation(n_channels)[: int(2 ** rng.uniform(0, np.log2(n_channels + 1)))]
            weights = rng.normal(size=(len(channels), length))
            weights -= weights.mean(axis=1, keepdims=True)
            padding = (length - 1) * dilation // 2 if rng.random() < 0.5 else 0
            self.kernels.append((channels, weights, float(rng.uniform(-1, 1)), dilation, padding))

    def __call__(self, series: np.ndarray) -> np.ndarray:
        """Return (rows, 2 · n_kernels) float64 of (rows, channels, n_steps)."""
        found = np.zeros((len(series), 2 * len(self.kernels)))
        for i, (channels, weights, bias, dilation, padding) in enumerate(self.kernels):
            cells = np.pad(series[:, channels], ((0, 0), (0, 0), (padding, padding)))
            length = cells.shape[2] - (weights.shape[1] - 1) * dilation
            answer = np.full((len(series), max(length, 1)), bias)
            for j in range(weights.shape[1]):
                part = cells[:, :, j * dilation : j * dilation + max(length, 1)]
                answer[:, : part.shape[2]] += np.einsum("c,ncl->nl", weights[:, j], part)
            found[:, 2 * i], found[:, 2 * i + 1] = (answer > 0).mean(axis=1), answer.max(axis=1)
        return found
