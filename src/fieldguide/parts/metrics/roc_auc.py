"""ROC AUC: how often a positive row is ranked above a negative one.

Knows the number; intervals and comparisons are `core.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fieldguide.parts.metrics._judge import Judge


@dataclass(frozen=True)
class RocAuc(Judge):
    """Probability that a random positive row scores above a random negative one, ties counting half.

    Formula: Mann-Whitney U / (positives × negatives), weighted; with more than two labels the mean of one-against-rest.
    Range: 0 to 1; 0.5 is a coin, below it the ranking is upside down.
    Unit: share of pairs.
    Use: when rows are ranked and the threshold is set later; blind to calibration, generous when positives are rare.
    Source: Hanley & McNeil (1982); Hand & Till (2001) for several labels.

    Examples:
        >>> RocAuc().score(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]]))
        0.75
    """

    name: ClassVar[str] = "roc_auc"
    title: ClassVar[str] = "ROC AUC"
    greater_is_better: ClassVar[bool] = True
    reads: ClassVar[Literal["probability", "decision", "value"]] = "probability"
    families: ClassVar[tuple[str, ...]] = ("binary", "multiclass")
    best: ClassVar[float] = 1.0
    worst: ClassVar[float] = 0.0

    def resample(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
        if prediction.shape[1] == 2:
            return auc_under(np.asarray(truth) == 1, prediction[:, 1], weights)
        each = [
            auc_under(np.asarray(truth) == label, prediction[:, label], weights) for label in range(prediction.shape[1])
        ]
        return np.mean(each, axis=0)


def auc_under(positive: np.ndarray, ranking: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve under many weightings, after one sort.

    Shape:
        positive: (rows,) bool
        ranking: (rows,) float64, greater is more positive
        weights: (replicates, rows)
        returns: (replicates,) float64, NaN where a class has no weight
    """
    above, below = np.flatnonzero(positive), np.flatnonzero(~positive)
    below = below[np.argsort(ranking[below], kind="stable")]
    above = above[np.argsort(ranking[above], kind="stable")]
    under = np.searchsorted(ranking[below], ranking[above], side="left")
    upto = np.searchsorted(ranking[below], ranking[above], side="right")
    tied = bool((under != upto).any())
    out = np.full(len(weights), np.nan)
    step = max(1, 1_000_000 // max(1, len(ranking)))  # keep a chunk within the processor's cache
    for start in range(0, len(weights), step):
        part = weights[start : start + step]
        ahead = part[:, above].astype(np.float64)
        counted = np.zeros((len(part), len(below) + 1))
        np.cumsum(part[:, below], axis=1, out=counted[:, 1:])
        beaten = counted[:, under]
        if tied:
            beaten = 0.5 * (beaten + counted[:, upto])
        pairs = ahead.sum(1) * counted[:, -1]
        won = np.einsum("rp,rp->r", ahead, beaten)
        np.divide(won, pairs, out=out[start : start + step], where=pairs > 0)
    return out
