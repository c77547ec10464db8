"""Label noise by confident learning: how many labels are wrong, and which rows most likely are.

Knows labels and out-of-sample probabilities; whether a disagreement is noise or only a hard case is for the caller to judge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelNoise:
    """What confident learning says of given labels.

    Args:
        share: estimated share of wrong labels.
        joint: estimated joint distribution of given (rows) and true (columns) labels; sums to 1.
        thresholds: mean probability of each class among the rows that carry it.
        rows: indices of the rows most likely wrong, the surest first.
        guessed: what the labels of these rows may be instead, as codes.

    Shape:
        joint: (k, k)
        thresholds: (k,)
        rows, guessed: (n_wrong,)
    """

    share: float
    joint: np.ndarray
    thresholds: np.ndarray
    rows: np.ndarray
    guessed: np.ndarray


def confident_learning(given: np.ndarray, probability: np.ndarray) -> LabelNoise:
    """Estimate the joint distribution of given and true labels, and the rows whose label is wrong.

    A row counts as class j when its probability of j is at least the mean probability of j among the rows labelled j; of
    several such classes the most probable. The counts, scaled to the number of rows per given label, are the joint. Of each
    pair of labels (given i, true j) as many rows are taken as the joint says, those with the largest p(j) - p(i); rows are
    ordered by normalised margin, p(given) - max p(other).

    Args:
        given: codes of the given labels.
        probability: probabilities from a model that has not seen the row.

    Shape:
        given: (rows,) int64
        probability: (rows, k) float64

    Source: Northcutt, Jiang and Chuang (2021), Confident Learning, sections 3.1 and 3.2, "prune by noise rate".

    Examples:
        >>> p = np.repeat([[0.9, 0.1], [0.1, 0.9]], 20, axis=0)
        >>> given = np.repeat([0, 1], 20)
        >>> given[3] = 1
        >>> noise = confident_learning(given, p)
        >>> noise.rows.tolist(), noise.guessed.tolist(), round(noise.share, 3)
        ([3], [0], 0.025)
    """
    k = probability.shape[1]
    thresholds = np.array([probability[given == j, j].mean() if (given == j).any() else np.inf for j in range(k)])
    joint = _joint(given, probability, thresholds)
    chosen: dict[int, tuple[float, int]] = {}
    for i in range(k):
        rows = np.flatnonzero(given == i)
        for j in range(k):
            n_wrong = round(float(joint[i, j]) * len(given)) if i != j else 0
            if n_wrong <= 0 or not len(rows):
                continue
            margin = probability[rows, j] - probability[rows, i]
            for place in np.argsort(-margin, kind="stable")[:n_wrong]:
                best = chosen.get(int(rows[place]))
                if margin[place] > 0 and (best is None or margin[place] > best[0]):
                    chosen[int(rows[place])] = (float(margin[place]), j)
    own = normalised_margin(given, probability)
    order = np.array(sorted(chosen, key=lambda row: (own[row], row)), np.int64)
    guessed = np.array([chosen[int(row)][1] for row in order], np.int64)
    return LabelNoise(float(1 - np.trace(joint)), joint, thresholds, order, guessed)


def normalised_margin(given: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return p(given label) - the largest p of another label; (rows,) in [-1, 1], low where the label is doubtful.

    Examples:
        >>> normalised_margin(np.array([0, 1]), np.array([[0.75, 0.25], [0.75, 0.25]])).tolist()
        [0.5, -0.5]
    """
    rows = np.arange(len(given))
    others = probability.copy()
    others[rows, given] = -np.inf
    return np.asarray(probability[rows, given] - others.max(axis=1))


def _joint(given: np.ndarray, probability: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    k = probability.shape[1]
    confident = probability >= thresholds - 1e-6
    likeliest = np.where(confident, probability, -1.0).argmax(axis=1)
    counted = confident.any(axis=1)
    counts = np.zeros((k, k))
    np.add.at(counts, (given[counted], likeliest[counted]), 1.0)
    sizes = np.bincount(given, minlength=k).astype(np.float64)
    empty = counts.sum(axis=1) == 0
    counts[empty, np.flatnonzero(empty)] = 1.0
    calibrated = counts / counts.sum(axis=1, keepdims=True) * sizes[:, None]
    return np.asarray(calibrated / calibrated.sum())
