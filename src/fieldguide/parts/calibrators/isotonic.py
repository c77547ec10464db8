"""Isotonic: a rising step curve from predicted to observed shares, drawn through what happened.

Knows probabilities, a label at a time; where they come from, and which rows they are for, is the step's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from fieldguide.core.settings import setting, values_of
from fieldguide.core.statistics.weighting import effective_size


@dataclass(frozen=True)
class Isotonic:
    """The rising curve nearest to what happened, in squares: it bends wherever the rows ask it to, and needs some hundreds.

    Each label has its own curve; with more than two, the corrected shares are divided by their sum. The curve ends half a row
    away from 0 and 1: a probability of 0 would be an infinite surprise.

    Formula:
        min Σ (f(p) - y)² over rising f; between the blocks of f a straight line

    Source:
        Zadrozny and Elkan, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates", KDD 2002.

    Examples:
        Rows at 0.2 happen half of the time, rows at 0.9 always: 2 of 4 and 4 of 4, less half a row.

        >>> p = np.repeat([0.2, 0.9], 4)
        >>> fitted = Isotonic().fit(np.array([0, 1, 0, 1, 1, 1, 1, 1]), np.stack([1 - p, p], 1))
        >>> fitted.correct(np.array([[0.8, 0.2], [0.1, 0.9]]))[:, 1].round(4).tolist()
        [0.5, 0.9444]
    """

    name: ClassVar[str] = "isotonic"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass")

    curves: tuple[Any, ...] = setting((), "of each label the predicted and the observed shares at its bends, fitted")

    def fit(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """Return itself with a curve for each label (of two labels, for the second).

        Shape:
            truth: (rows,) codes
            prediction: (rows, n_labels) probabilities
            weights: (rows,) or None
        """
        truth, prediction = np.asarray(truth, np.int64), np.asarray(prediction, np.float64)
        if weights is not None:
            heard = weights > 0
            truth, prediction, weights = truth[heard], prediction[heard], weights[heard]
        labels = (1,) if prediction.shape[1] == 2 else range(prediction.shape[1])
        return replace(self, curves=tuple(_curve(truth == label, prediction[:, label], weights) for label in labels))

    def correct(self, prediction: np.ndarray) -> np.ndarray:
        """Return corrected probabilities. Shape: (rows, n_labels) in and out."""
        prediction = np.asarray(prediction, np.float64)
        if not self.curves:
            return prediction
        if prediction.shape[1] == 2:
            positive = np.interp(prediction[:, 1], *self.curves[0])
            return np.stack([1.0 - positive, positive], 1)
        shares = np.stack([np.interp(prediction[:, i], *curve) for i, curve in enumerate(self.curves)], 1)
        corrected: np.ndarray = shares / shares.sum(1, keepdims=True)
        return corrected

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "settings": values_of(self)}


def _curve(
    happened: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from scipy.optimize import isotonic_regression

    levels, which, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    n: float = len(happened)
    if weights is not None:
        counts, n = np.bincount(which, weights, len(levels)), effective_size(weights)
    shares = np.bincount(which, happened if weights is None else weights * happened, len(levels)) / counts
    risen = isotonic_regression(shares, weights=counts).x
    margin = 0.5 / (n + 1.0)
    risen = np.clip(risen, margin, 1.0 - margin)
    bends = np.ones(len(levels), bool)
    bends[1:-1] = (risen[1:-1] != risen[:-2]) | (risen[1:-1] != risen[2:])
    return tuple(levels[bends].tolist()), tuple(risen[bends].tolist())
