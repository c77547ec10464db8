"""Slices: the same metric on parts of the rows, and how far the best and the worst lie apart.

Knows masks over judged rows and how a declared slice becomes them; which slices are worth a look is the study's choice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Metric
from fieldguide.core.language.expression import parse
from fieldguide.core.score import Difference, SliceScore, score, weights_for
from fieldguide.core.statistics.association import binned
from fieldguide.core.statistics.bootstrap import REPLICATES, numbered, resampled
from fieldguide.core.statistics.calibration import ratio_interval
from fieldguide.core.table import Table

SMALLEST_SLICE = 20
MOST_LEVELS = 10


def slices_of(table: Table, declared: Sequence[str]) -> dict[str, np.ndarray]:
    """Return masks of the declared slices: the levels of a column, the quartiles of a number, or where an expression holds.

    Args:
        declared: column names or expressions over columns.

    Shape:
        returns[name]: (rows,) bool

    Raises:
        ConfigError: an expression cannot be read, or names no column.
    """
    found: dict[str, np.ndarray] = {}
    for text in declared:
        if text not in table.names:
            kinds = {column.name: column.kind for column in table.columns}
            holds = table.frame.with_columns(parse(text, kinds).polars().fill_null(False).alias("holds"))["holds"]
            found[text] = holds.to_numpy()
            continue
        bins = binned(table.frame[text], 4)
        for code in np.unique(bins)[:MOST_LEVELS]:
            mask = bins == code
            found[f"{text} {_shown(table.frame[text].filter(pl.Series(mask)), int(code))}"] = mask
    return found


def _shown(values: pl.Series, code: int) -> str:
    if code == 0 and values.null_count() == len(values):
        return "is missing"
    return (
        f"= {values[0]}"
        if not values.dtype.is_numeric() or values.n_unique() == 1
        else f"{np.nanmin(values.to_numpy()):g} to {np.nanmax(values.to_numpy()):g}"
    )


def slice_scores(
    metric: Metric,
    truth: np.ndarray,
    prediction: np.ndarray,
    slices: Mapping[str, np.ndarray],
    blocks: np.ndarray | None = None,
    seed: int = 0,
    replicates: int = REPLICATES,
    calibrated: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> tuple[SliceScore, ...]:
    """Return the metric on parts of the rows, each with its interval and calibration ratio, or a typed silence.

    Args:
        slices: name to mask.
        blocks: unit or group of each row; None: every row its own.
        calibrated: probability of label 1 or value, for the ratio; None: taken from the prediction where it is one.

    Shape:
        slices[name]: (rows,) bool
        calibrated, weights: (rows,)
    """
    blocks = np.arange(len(truth)) if blocks is None else np.asarray(blocks)
    if calibrated is None and np.ndim(truth) == 1:  # labels of a set and entries of a vector have no common ratio
        calibrated = _to_calibrate(metric, prediction)
    found = []
    for name, mask in slices.items():
        silence = _silence(metric, truth, blocks, mask, weights)
        n = int(np.sum(mask))
        if silence:
            found.append(SliceScore(name, n, silence=silence))
            continue
        own = None if weights is None else weights[mask]
        value, interval = score(metric, truth[mask], prediction[mask], blocks[mask], seed, replicates, own)
        ratio, ratio_ends = math.nan, (math.nan, math.nan)
        if calibrated is not None:
            ratio, ratio_ends = ratio_interval(truth[mask], calibrated[mask], blocks[mask], seed, replicates, own)
        found.append(SliceScore(name, n, value, interval, ratio, ratio_ends))
    return tuple(found)


@dataclass(frozen=True)
class Gap:
    """How far the best and the worst slice lie apart.

    Args:
        best: name of the best slice.
        worst: name of the worst slice.
        difference: of the metric, positive; its interval holds these two slices fixed, so with many slices it flatters
            the gap (the two were picked for being extreme).
    """

    best: str
    worst: str
    difference: Difference

    def to_dict(self) -> dict[str, Any]:
        return {"best": self.best, "worst": self.worst, "difference": self.difference.to_dict()}


def slice_gap(
    metric: Metric,
    truth: np.ndarray,
    prediction: np.ndarray,
    slices: Mapping[str, np.ndarray],
    blocks: np.ndarray | None = None,
    seed: int = 0,
    replicates: int = REPLICATES,
    weights: np.ndarray | None = None,
) -> Gap | None:
    """Return the gap between best and worst slice, with its interval; None with fewer than two slices to judge."""
    blocks = np.arange(len(truth)) if blocks is None else np.asarray(blocks)
    heard = {
        name: np.asarray(mask) for name, mask in slices.items() if not _silence(metric, truth, blocks, mask, weights)
    }
    weights = weights_for(metric, weights)
    sign = 1.0 if metric.greater_is_better else -1.0
    values = {
        name: sign * metric.score(truth[mask], prediction[mask], None if weights is None else weights[mask])
        for name, mask in heard.items()
    }
    values = {name: value for name, value in values.items() if math.isfinite(value)}
    if len(values) < 2:
        return None
    best, worst = max(values, key=lambda k: values[k]), min(values, key=lambda k: values[k])

    def statistic(drawn: np.ndarray) -> np.ndarray:
        ends = [metric.resample(truth[heard[k]], prediction[heard[k]], drawn[:, heard[k]]) for k in (best, worst)]
        return sign * (ends[0] - ends[1])

    found = resampled(statistic, blocks, seed, replicates, weights=weights)
    n = int((heard[best] | heard[worst]).sum())
    return Gap(best, worst, Difference(found.estimate, found.interval, found.p, n))


def _silence(
    metric: Metric, truth: np.ndarray, blocks: np.ndarray, mask: np.ndarray, weights: np.ndarray | None = None
) -> str:
    """Return why a slice cannot be judged, or an empty string."""
    n = int(np.sum(mask))
    if weights is not None:
        mask = mask & (weights > 0)
        if n >= SMALLEST_SLICE > (counted := int(mask.sum())):
            return f"only {counted} of {n:,} rows weigh anything, fewer than {SMALLEST_SLICE}"
    if n < SMALLEST_SLICE:
        return f"only {n} rows, fewer than {SMALLEST_SLICE}"
    if "values" not in metric.families and "vector" not in metric.families and len(np.unique(truth[mask])) < 2:
        return f"all {n:,} rows have the same label"
    if numbered(blocks[mask])[1] < 2:
        return f"all {n:,} rows belong to one group"
    return ""


def _to_calibrate(metric: Metric, prediction: np.ndarray) -> np.ndarray | None:
    """Return what is compared with the truth for the ratio: P(label 1) of two labels, or the value; suggested prices have no truth."""
    if getattr(metric, "tasks", ()) == ("price",):
        return None
    if metric.reads == "value":
        return np.asarray(prediction, dtype=np.float64).reshape(len(prediction))
    if metric.reads == "probability" and prediction.shape[1] == 2:
        return np.asarray(prediction[:, 1])
    return None
