"""Metrics that are a weighted mean of one loss per row, or a function of such means.

Knows how a mean is reweighted many times at once: one matrix product. The losses themselves are the metrics' own.
"""

from __future__ import annotations

import numpy as np

from fieldguide.parts.metrics._judge import Judge


class MeanOfRows(Judge):
    """A metric that is `read(weighted mean of per_row)`; subclasses give `per_row` and, where needed, `read`.

    Shape:
        per_row(truth, prediction): (rows,) float64
        read(means): (replicates,) -> (replicates,)
    """

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def read(self, means: np.ndarray) -> np.ndarray:
        return means

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return self.read(mean_under(self.per_row(truth, prediction), weights))


def sums_under(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted sums of some columns under many weightings, accumulated in float64.

    Shape:
        columns: (rows, k) float64
        weights: (replicates, rows)
        returns: (replicates, k) float64

    Examples:
        >>> sums_under(np.array([[1.0], [3.0]]), np.array([[1, 1], [2, 0]], np.float32))[:, 0].tolist()
        [4.0, 2.0]
    """
    out = np.empty((len(weights), columns.shape[1]))
    step = max(
        1, 2_000_000 // max(1, weights.shape[1])
    )  # 16 MB of float64 at a time: fits the cache better than a full copy
    for start in range(0, len(weights), step):
        out[start : start + step] = weights[start : start + step].astype(np.float64, copy=False) @ columns
    return out


def mean_under(loss: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean of `loss`, (rows,), under each of `weights`, (replicates, rows); NaN where no row counts."""
    sums = sums_under(np.column_stack([loss, np.ones(len(loss))]), weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[:, 0] / sums[:, 1])


def flat(values: np.ndarray) -> np.ndarray:
    """Return values as (rows,) float64: predictions of one value arrive as (rows,) or (rows, 1)."""
    values = np.asarray(values, dtype=np.float64)
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
