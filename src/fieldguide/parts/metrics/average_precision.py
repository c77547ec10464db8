"""average precision: how pure the top of the ranking is.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._judge import Judge


@dataclass(frozen=True)
class AveragePrecision(Judge):
    """Area under the precision-recall curve, as a sum over thresholds without interpolation.

    Formula: `sum((recall_k - recall_{k-1}) × precision_k)` over the distinct scores, from the highest down.
    Range: 0 to 1; a random ranking scores the share of positives.
    Unit: precision, averaged over recall.
    Use: when positives are rare and only the top of the ranking is acted on.
    Source: Davis & Goadrich (2006); Boyd, Eng & Page (2013) for the estimator.

    Examples:
        >>> p = np.array([0.1, 0.4, 0.35, 0.8])
        >>> round(AveragePrecision().score(np.array([0, 0, 1, 1]), np.column_stack([1 - p, p])), 4)
        0.8333
    """

    name: ClassVar[str] = "average_precision"
    title: ClassVar[str] = "average precision"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "probability"
    families: ClassVar[tuple[str, ...]] = ("binary",)
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        order = np.argsort(-prediction[:, 1], kind="stable")
        ranking, positive = prediction[order, 1], np.asarray(truth)[order] == 1
        at = np.flatnonzero(positive)
        # A threshold takes a whole tie: precision is read at the last row of the same score.
        last = len(ranking) - 1 - np.searchsorted(ranking[::-1], ranking[at], side="left")
        found_at = np.searchsorted(at, last, side="right") - 1
        out = np.full(len(weights), np.nan)
        step = max(1, 1_000_000 // max(1, len(ranking)))  # keep a chunk within the processor's cache
        for start in range(0, len(weights), step):
            part = weights[start : start + step][:, order]
            counted = np.cumsum(part, axis=1, dtype=np.float64)[:, last]
            ahead = part[:, at].astype(np.float64)
            found = np.cumsum(ahead, axis=1)[:, found_at]
            precision = np.divide(found, counted, out=np.zeros_like(found), where=counted > 0)
            total, some = ahead.sum(1), (weights[start : start + step].sum(1) - ahead.sum(1)) > 0
            won = np.einsum("rp,rp->r", ahead, precision)
            np.divide(won, total, out=out[start : start + step], where=(total > 0) & some)
        return out
