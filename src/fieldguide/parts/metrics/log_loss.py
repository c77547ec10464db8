"""log loss: how surprised the probabilities are by what happened.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._mean import MeanOfRows

CLIP = 1e-15


@dataclass(frozen=True)
class LogLoss(MeanOfRows):
    """Mean negative log probability of the label that came true.

    Formula: `mean(-log(clip(p[truth], 1e-15, 1)))`; the clip bounds the price of a certain mistake. Label sets: the
    mean over labels of each one's own.
    Range: 0 (certain and right) to 34.5; a coin scores 0.693, the class shares score their entropy.
    Unit: nats per row.
    Use: when probabilities are used as probabilities; it pays for ranking and for calibration.
    Source: Good (1952), Rational Decisions; proper by Gneiting & Raftery (2007), section 4.2.

    Examples:
        >>> round(LogLoss().score(np.array([1, 0]), np.array([[0.2, 0.8], [0.5, 0.5]])), 4)
        0.4581
    """

    name: ClassVar[str] = "log_loss"
    title: ClassVar[str] = "log loss"
    greater_is_better: ClassVar[bool] = False
    reads: ClassVar[Literal["probability", "decision", "value"]] = "probability"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")
    best: ClassVar[float] = 0.0
    worst: ClassVar[float] = 34.538776394910684

    def per_row(self, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        if np.ndim(truth) == 2:  # label sets: the mean over labels
            chosen = np.where(truth == 1, prediction, 1.0 - prediction)
            return np.asarray(-np.log(np.clip(chosen, CLIP, 1.0)).mean(axis=1))
        chosen = prediction[np.arange(len(truth)), np.asarray(truth).astype(np.int64)]
        return np.asarray(-np.log(np.clip(chosen, CLIP, 1.0)))
