"""Calibration: whether predictions, taken together, are as large as what happened.

Knows predictions and truth as arrays; what is done about poor calibration is decided by steps, and nothing is fitted here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.plain import finite
from fieldguide.core.statistics.bootstrap import LEVEL, NORMAL, resampled, wilson
from fieldguide.core.statistics.weighting import effective_size

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """How far predictions stand from what happened.

    Args:
        ratio: sum of predictions / sum of labels; 1 is calibrated in the large, 1.2 promises a fifth too much. With
            more than two labels: of the top label (confidence / accuracy). NaN where there is nothing to divide by.
        interval: (low, high) of the ratio.
        ratios: the same per label.
        error: expected calibration error, the mean distance |predicted - observed| over bins, weighted by rows (by what they weigh).
        bins: see `reliability`.
    """

    ratio: float
    interval: tuple[float, float]
    ratios: Mapping[str, float]
    error: float
    bins: tuple[Mapping[str, float], ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "ratio": finite(self.ratio), "interval": [finite(end) for end in self.interval],
            "ratios": {label: finite(ratio) for label, ratio in self.ratios.items()},
            "error": finite(self.error), "bins": [dict(cell) for cell in self.bins],
        }  # fmt: skip


def calibration_ratio(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return sum of predictions / sum of truth; NaN where the truth sums to nothing or has both signs.

    Shape:
        truth, prediction, weights: (rows,)

    Examples:
        >>> calibration_ratio(np.array([0, 1, 0, 1]), np.array([0.2, 0.9, 0.4, 0.9]))
        1.2
    """
    truth, prediction = np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if truth.size and truth.min() < 0 < truth.max():
        return math.nan  # parts cancel: a ratio of what is left over says nothing
    weights = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    total = float(weights @ truth)
    return float(weights @ prediction) / total if total != 0 else math.nan


def reliability(
    truth: np.ndarray, prediction: np.ndarray, bins: int = BINS, weights: np.ndarray | None = None
) -> list[dict[str, float]]:
    """Return the reliability table: rows binned by prediction, as equal in number as ties allow.

    Each bin says `predicted` (mean), `observed` (mean of the truth), `n`, and `low` and `high` of the observed:
    Wilson's interval where the truth is 0 or 1, else mean ± 1.96 standard errors. Bins treat rows as independent. With row weights
    the means are weighted, `share` is what the bin weighs of all, and intervals count as many rows as the weights are worth.

    Shape:
        truth, prediction, weights: (rows,)

    Examples:
        >>> table = reliability(np.array([0, 0, 1, 1]), np.array([0.1, 0.1, 0.6, 0.8]), bins=2)
        >>> [(cell["predicted"], cell["observed"], cell["n"]) for cell in table]
        [(0.1, 0.0, 2), (0.7, 1.0, 2)]
    """
    truth, prediction = np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if not len(truth):
        return []
    shares = bool(np.isin(truth, (0.0, 1.0)).all())
    # Equal predictions belong together: a bin's edge is a value, not a position.
    edges = np.unique(np.quantile(prediction, np.arange(1, bins) / bins, method="lower"))
    which = np.searchsorted(edges, prediction, side="left")
    table = []
    for code in np.unique(which):
        inside = which == code
        hits, n = truth[inside], int(inside.sum())
        if weights is not None:
            table += _weighed_bin(hits, prediction[inside], weights[inside], float(weights.sum()), shares)
            continue
        if shares:
            low, high = wilson(float(hits.sum()), n)
        else:
            half = NORMAL.inv_cdf((1 + LEVEL) / 2) * float(hits.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
            low, high = float(hits.mean()) - half, float(hits.mean()) + half
        cell = {"predicted": float(prediction[inside].mean()), "observed": float(hits.mean()), "n": n}
        table.append({**cell, "low": low, "high": high})
    return table


def _weighed_bin(
    hits: np.ndarray, prediction: np.ndarray, weights: np.ndarray, total: float, shares: bool
) -> list[dict[str, float]]:
    """Return the one cell of a bin of weighed rows; none where they weigh nothing."""
    own = float(weights.sum())
    if own <= 0:
        return []
    mean, n = float(weights @ hits) / own, effective_size(weights)
    if shares:
        low, high = wilson(mean * n, n)
    else:
        spread = float(weights @ (hits - mean) ** 2) / own
        half = NORMAL.inv_cdf((1 + LEVEL) / 2) * math.sqrt(spread / (n - 1)) if n > 1 else math.inf
        low, high = mean - half, mean + half
    predicted = float(weights @ prediction) / own
    return [{"predicted": predicted, "observed": mean, "n": len(hits), "low": low, "high": high, "share": own / total}]


def _distance(bins: Sequence[Mapping[str, float]], n: int, weights: np.ndarray | None) -> float:
    """Return the expected calibration error of a reliability table of n rows; NaN where it is empty."""
    if not bins:
        return math.nan
    gaps = [(cell, abs(cell["predicted"] - cell["observed"])) for cell in bins]
    if weights is not None:
        return sum(cell["share"] * gap for cell, gap in gaps)
    return sum(cell["n"] * gap for cell, gap in gaps) / max(1, n)


def calibration(
    truth: np.ndarray,
    prediction: np.ndarray,
    blocks: np.ndarray,
    labels: tuple[str, ...] = (),
    seed: int = 0,
    replicates: int = 1_000,
    weights: np.ndarray | None = None,
) -> Calibration:
    """Return how calibrated predictions are, with the interval of the ratio.

    Args:
        truth: class codes, or values where `labels` is empty.
        prediction: probabilities, or values where `labels` is empty.
        blocks: unit or group of each row; the interval resamples these.
        labels: class labels in code order; empty for values.
        seed: study seed.
        replicates: number of resamples.
        weights: row weights, or None.

    Shape:
        truth, blocks, weights: (rows,); truth (rows, n_labels) int64 for label sets, (rows, n_entries) float64 for vectors
        prediction: (rows, n_labels), or (rows,) or (rows, 1) for values, or as the truth

    Label sets are taken cell by cell, rows × labels. Entries of a vector may have different units: only their own ratios are told.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks (expected calibration error, confidence).

    Examples:
        >>> p = np.array([0.2, 0.9, 0.4, 0.9])
        >>> found = calibration(np.array([0, 1, 0, 1]), np.column_stack([1 - p, p]), np.arange(4), ("no", "yes"))
        >>> round(found.ratio, 6), round(found.ratios["no"], 6)
        (1.2, 0.8)
    """
    prediction = np.asarray(prediction, dtype=np.float64)
    ratios: dict[str, float] = {}
    if np.ndim(truth) == 2:
        return _joint_calibration(np.asarray(truth), prediction, blocks, labels, seed, replicates, weights)
    if labels:
        truth = np.asarray(truth).astype(np.int64)
        ratios = {
            label: calibration_ratio(truth == code, prediction[:, code], weights) for code, label in enumerate(labels)
        }
        top = prediction.argmax(1)
        happened = (truth == 1 if len(labels) == 2 else truth == top).astype(np.float64)
        promised = prediction[:, 1] if len(labels) == 2 else prediction.max(1)
    else:
        happened, promised = np.asarray(truth, dtype=np.float64), prediction.reshape(len(truth))
    ratio, interval = ratio_interval(happened, promised, blocks, seed, replicates, weights)
    bins = reliability(happened, promised, weights=weights)
    return Calibration(ratio, interval, ratios, _distance(bins, len(happened), weights), tuple(bins))


def _joint_calibration(
    truth: np.ndarray,
    prediction: np.ndarray,
    blocks: np.ndarray,
    labels: tuple[str, ...],
    seed: int,
    replicates: int,
    weights: np.ndarray | None,
) -> Calibration:
    names = labels or tuple(map(str, range(truth.shape[1])))
    ratios = {name: calibration_ratio(truth[:, i], prediction[:, i], weights) for i, name in enumerate(names)}
    if truth.dtype.kind == "f":
        return Calibration(math.nan, (math.nan, math.nan), ratios, math.nan, ())
    ratio, interval = ratio_interval(truth.sum(1), prediction.sum(1), blocks, seed, replicates, weights)
    of_cell = None if weights is None else np.repeat(weights, truth.shape[1])
    bins = reliability(truth.ravel(), prediction.ravel(), weights=of_cell)
    return Calibration(ratio, interval, ratios, _distance(bins, truth.size, weights), tuple(bins))


def ratio_interval(
    truth: np.ndarray,
    prediction: np.ndarray,
    blocks: np.ndarray,
    seed: int = 0,
    replicates: int = 1_000,
    weights: np.ndarray | None = None,
) -> tuple[float, tuple[float, float]]:
    """Return the calibration ratio and its bootstrap interval.

    Shape:
        truth, prediction, blocks, weights: (rows,)
    """
    ratio = calibration_ratio(truth, prediction, weights)
    if math.isnan(ratio):
        return ratio, (math.nan, math.nan)
    columns = np.column_stack([prediction, truth]).astype(np.float64)

    def statistic(drawn: np.ndarray) -> np.ndarray:
        sums = drawn.astype(np.float64) @ columns
        return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] != 0)

    return ratio, resampled(statistic, blocks, seed, replicates, weights=weights).interval
