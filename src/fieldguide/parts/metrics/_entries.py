"""Metrics of vectors that are a mean over entries of a function of each entry's errors.

Knows how errors and spreads of every entry are summed under many weightings at once; what they are worth is the metrics' own.
"""

from __future__ import annotations

import numpy as np

from fieldguide.parts.metrics._confusion import mean_of_defined
from fieldguide.parts.metrics._judge import Judge
from fieldguide.parts.metrics._mean import sums_under


class OfEntries(Judge):
    """A metric that reads, per entry, summed squared errors, squared distances from the mean, absolute errors, and rows.

    Shape:
        read(error, spread, absolute, n): each (replicates, n_entries) -> (replicates, n_entries), NaN where it says nothing
    """

    def read(self, error: np.ndarray, spread: np.ndarray, absolute: np.ndarray, n: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        truth, prediction = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
        centred = truth - truth.mean(axis=0)  # squares of large numbers would swallow their spread
        gaps, d = truth - prediction, truth.shape[1]
        columns = np.concatenate([gaps**2, centred**2, centred, np.abs(gaps), np.ones((len(truth), 1))], axis=1)
        error, squares, sums, absolute, n = np.split(sums_under(columns, weights), [d, 2 * d, 3 * d, 4 * d], axis=1)
        rows = np.maximum(n, 1e-300)
        spread = squares - sums**2 / rows
        spread[spread <= 1e-12 * np.maximum(squares, 1e-300)] = 0.0  # what cancellation leaves of no spread
        return mean_of_defined(self.read(error, spread, absolute, np.broadcast_to(n, error.shape)))
