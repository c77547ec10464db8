"""Metrics that are a function of the weighted confusion matrix of decisions.

Knows how a confusion matrix is filled under many weightings at once; what it is worth is the metrics' own.
"""

from __future__ import annotations

import numpy as np

from fieldguide.parts.metrics._judge import Judge
from fieldguide.parts.metrics._mean import sums_under


class OfConfusion(Judge):
    """A metric that reads the confusion matrix; subclasses give `read`.

    Shape:
        read(confusion): (replicates, n_labels, n_labels) float64, truth by decision -> (replicates,) float64
    """

    def read(self, confusion: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return self.read(confusion_under(truth, prediction, weights))


def confusion_under(truth: np.ndarray, decision: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted confusion matrix, truth by decision, under many weightings.

    Shape:
        truth, decision: (rows,) int64 codes
        weights: (replicates, rows)
        returns: (replicates, n_labels, n_labels) float64, at least two labels

    Examples:
        >>> confusion_under(np.array([0, 1, 1]), np.array([0, 1, 0]), np.ones((1, 3)))[0].tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    truth, decision = np.asarray(truth).astype(np.int64), np.asarray(decision).astype(np.int64)
    n_labels = int(max(truth.max(initial=1), decision.max(initial=1))) + 1
    cells, which = np.unique(truth * n_labels + decision, return_inverse=True)
    # Only cells that occur are summed, so that a thousand labels do not mean a million columns of zeros.
    out = np.zeros((len(weights), n_labels * n_labels))
    out[:, cells] = sums_under((which[:, None] == np.arange(len(cells))).astype(float), weights)
    return out.reshape(len(weights), n_labels, n_labels)


def ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Return over / under, NaN where under is zero: a share of nothing is not zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(under > 0, over / np.where(under > 0, under, 1.0), np.nan)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Return the mean over the last axis of the values that are not NaN; NaN where none is."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(-1), known.sum(-1))
