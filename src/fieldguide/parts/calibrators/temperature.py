"""Temperature: all log-odds are multiplied by one number, and, where asked, moved by one number a label.

Knows probabilities; where they come from, and which rows they are for, is the step's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from fieldguide.core.settings import setting, values_of
from fieldguide.core.statistics.weighting import effective_size

LEAST = 1e-12  # probabilities below it count as it: a logarithm is taken


@dataclass(frozen=True)
class Temperature:
    """Probabilities sharpened or flattened by a temperature; with `bias`, class shares that training moved are moved back.

    Formula:
        q = softmax(log p / T + b), T and b with the least log loss on the rows it is fitted on; b = 0 without `bias`

    Without bias the order of predictions, and which label is the most probable, never change.

    Source:
        Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017; Alexandari, Kundaje,
        Shrikumar, "Maximum Likelihood with Bias-Corrected Calibration", ICML 2020 (the bias).

    Examples:
        Four of five such rows were positive, and 99 % were promised: log-odds of 4.6 should be 1.39, a temperature of 3.3.

        >>> p = np.repeat([[0.01, 0.99]], 5, axis=0)
        >>> fitted = Temperature().fit(np.array([1, 1, 1, 1, 0]), p)
        >>> round(1 / fitted.inverse, 2), fitted.correct(p)[0].round(2).tolist()
        (3.31, [0.2, 0.8])
    """

    name: ClassVar[str] = "temperature"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass")

    bias: bool = setting(False, "also move the log-odds of each label by a number")
    inverse: float = setting(1.0, "1 / T, fitted")
    biases: tuple[float, ...] = setting((), "what is added to each label's logarithm, fitted")

    def fit(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """Return itself with the temperature of least log loss.

        Shape:
            truth: (rows,) codes
            prediction: (rows, n_labels) probabilities
            weights: (rows,) or None
        """
        from scipy.optimize import minimize

        truth = np.asarray(truth, np.int64)
        logs = _logs(prediction)
        n, k = logs.shape
        hits = np.eye(k)[truth]
        own = None if weights is None else np.asarray(weights, np.float64) / np.sum(weights)
        counts, n_heard = (hits.sum(0), n) if own is None else (effective_size(own) * (own @ hits), effective_size(own))
        rate = (counts + 1.0) / (
            n_heard + k
        )  # a label that is never right pulls its bias no further than one row would

        def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
            inverse = np.exp(point[0])
            moved = inverse * logs + (np.append(0.0, point[1:]) if self.bias else 0.0)
            moved = moved - moved.max(1, keepdims=True)
            odds = np.exp(moved)
            shares = odds / odds.sum(1, keepdims=True)
            losses = np.log(odds.sum(1)) - (moved * hits).sum(1)
            value = float(losses.mean() if own is None else own @ losses)
            slope = (shares - hits) / n if own is None else (shares - hits) * own[:, None]
            first = float((slope * logs).sum() * inverse)
            return value + 1e-6 * point[0] ** 2, np.append(
                first + 2e-6 * point[0], slope.sum(0)[1:] if self.bias else []
            )

        start = np.zeros(k if self.bias else 1)
        if self.bias:
            promised = np.average(np.exp(logs), axis=0, weights=own)
            start[1:] = (np.log(rate) - np.log(np.clip(promised, LEAST, 1)))[1:]
        found = minimize(
            objective, start, jac=True, method="L-BFGS-B", bounds=[(-4.0, 4.0)] + [(-20.0, 20.0)] * (len(start) - 1)
        )
        return replace(
            self,
            inverse=float(np.exp(found.x[0])),
            biases=tuple(np.append(0.0, found.x[1:]).tolist()) if self.bias else (),
        )

    def correct(self, prediction: np.ndarray) -> np.ndarray:
        """Return corrected probabilities. Shape: (rows, n_labels) in and out."""
        moved = self.inverse * _logs(prediction) + (np.array(self.biases) if self.biases else 0.0)
        odds = np.exp(moved - moved.max(1, keepdims=True, initial=-np.inf))
        corrected: np.ndarray = odds / odds.sum(1, keepdims=True)
        return corrected

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "settings": values_of(self)}


def _logs(prediction: np.ndarray) -> np.ndarray:
    return np.log(np.clip(np.asarray(prediction, np.float64), LEAST, 1.0))
