"""One number is the first of many: a metric that can be resampled can be scored.

Knows only that equal weights are weights of one.
"""

from __future__ import annotations

import numpy as np


class Judge:
    """A metric whose `score` is its `resample` under a single weighting; subclasses give `resample`."""

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def score(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Return the metric; see `core.contracts.Metric`."""
        single = np.ones((1, len(truth))) if weights is None else np.asarray(weights, dtype=np.float64)[None]
        return float(self.resample(truth, prediction, single)[0])
