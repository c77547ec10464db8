"""Scores: a metric on named rows with its interval and its looks; paired differences; what a search costs.

Knows metrics as objects and rows as arrays. Which rows may be judged, and when, is decided elsewhere; how intervals
come from resampling is `core.statistics.bootstrap`; parts of the rows are `core.slices`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.contracts import Metric
from fieldguide.core.figures import number, span
from fieldguide.core.plain import finite
from fieldguide.core.statistics.bootstrap import (
    LEVEL,
    REPLICATES,
    bootstrap_weights,
    resampled,
    unseen_share,
)
from fieldguide.core.statistics.calibration import Calibration
from fieldguide.core.statistics.weighting import effective_size

Interval = tuple[float, float]


@dataclass(frozen=True)
class SliceScore:
    """A metric on part of the rows, or a typed silence.

    Args:
        name: the slice.
        n: rows in it.
        value: the metric; NaN for a silence.
        interval: (low, high).
        ratio: calibration ratio; NaN where predictions are decisions or labels.
        ratio_interval: (low, high) of the ratio.
        silence: why nothing is said; empty where something is.
    """

    name: str
    n: int
    value: float = math.nan
    interval: Interval = (math.nan, math.nan)
    ratio: float = math.nan
    ratio_interval: Interval = (math.nan, math.nan)
    silence: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name, "n": self.n, "value": finite(self.value), "interval": _ends(self.interval),
            "ratio": finite(self.ratio), "ratio_interval": _ends(self.ratio_interval), "silence": self.silence,
        }  # fmt: skip


@dataclass(frozen=True)
class Score:
    """One output's metric on named rows.

    Args:
        output: the target column.
        metric: name of the metric.
        value: the metric.
        interval: (low, high) at `level`.
        n: rows judged.
        n_units: independent units or groups among them.
        rows: which rows: validation, test, or a name.
        looks: how often these rows had been looked at, this time included.
        level: nominal coverage of the interval, a share.
        slices: parts of the rows.
        calibration: None where there is no probability or value to calibrate.
        title: the metric as people write it.
        made: how the interval was made, where it is not the plain bootstrap over units.
        weighted: of a study with row weights, {effective}, how many equal units these are worth; False where the metric has no
            weighted form and counts each row once; None without row weights.

    Examples:
        >>> Score("income", "roc_auc", 0.93, (0.92, 0.94), n=900, n_units=900, rows="test", looks=1).to_dict()["looks"]
        1
    """

    output: str
    metric: str
    value: float
    interval: Interval
    n: int
    n_units: int
    rows: str
    looks: int = 0
    level: float = LEVEL
    slices: tuple[SliceScore, ...] = ()
    calibration: Calibration | None = None
    made: str = ""
    weighted: Mapping[str, float] | bool | None = None
    title: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the score in the shape of `--json`."""
        return {
            "output": self.output, "metric": self.metric, **({"title": self.title} if self.title else {}),
            "value": finite(self.value), "interval": _ends(self.interval), "n": self.n, "rows": self.rows,
            "looks": self.looks, **({"made": self.made} if self.made else {}),
            **({} if self.weighted is None else {"weighted": self.weighted}),
        }  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """Return everything, as plain data."""
        return {
            **self.to_dict(), "n_units": self.n_units, "level": self.level,
            "slices": [part.to_dict() for part in self.slices],
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """How much better one prediction is than another on the same rows; positive: the first is better.

    Args:
        value: difference of the metric, its sign turned where smaller is better.
        interval: (low, high), paired: both are judged on the same resamples.
        p: two-sided p-value of no difference, consistent with the interval.
        n: rows judged.
    """

    value: float
    interval: Interval
    p: float
    n: int

    @property
    def decided(self) -> bool:
        """True where the interval excludes no difference."""
        return self.interval[0] > 0 or self.interval[1] < 0

    def to_dict(self) -> dict[str, Any]:
        return {"value": finite(self.value), "interval": _ends(self.interval), "p": finite(self.p), "n": self.n}


def score(
    metric: Metric,
    truth: np.ndarray,
    prediction: np.ndarray,
    blocks: np.ndarray,
    seed: int = 0,
    replicates: int = REPLICATES,
    weights: np.ndarray | None = None,
    level: float = LEVEL,
) -> tuple[float, Interval]:
    """Return a metric and its bootstrap interval over blocks.

    Where no resample moves the metric (nothing went wrong in any row, say) the interval still is no point: it reaches
    as far as the metric would move if a share `unseen_share` of rows had been as wrong, or as right, as they can be.
    For accuracy that is Wilson's interval.

    Args:
        metric: the judge.
        truth: coded truth.
        prediction: what the metric reads.
        blocks: unit or group of each row.
        seed: study seed.
        replicates: number of resamples.
        weights: row weights, or None.
        level: nominal coverage, a share.

    Shape:
        truth, blocks, weights: (rows,); truth (rows, width) for label sets and vectors
        prediction: (rows, n_labels) or (rows,), as `metric.reads` says

    Returns:
        (value, (low, high)), within the metric's range; NaN ends where fewer than two blocks can be judged.
    """
    weights = weights_for(metric, weights)
    found = resampled(lambda w: metric.resample(truth, prediction, w), blocks, seed, replicates, level, weights)
    low, high = found.interval
    if not found.varies:
        n_units = _units(found.n_units, blocks, weights)
        imagined = [v for v in _if_unseen(metric, truth, prediction, n_units, level, weights) if math.isfinite(v)]
        low, high = min(low, *imagined), max(high, *imagined)
    least, most = sorted((metric.best, metric.worst))
    return found.estimate, (max(low, least), min(high, most))


def compare(
    metric: Metric,
    truth: np.ndarray,
    prediction_a: np.ndarray,
    prediction_b: np.ndarray,
    blocks: np.ndarray,
    seed: int = 0,
    replicates: int = REPLICATES,
    weights: np.ndarray | None = None,
    level: float = LEVEL,
) -> Difference:
    """Return by how much `a` is better than `b`, paired on the same resamples; positive means `a` is better.

    Where no resample moves the difference of two decisions, the interval reaches as far as a share `unseen_share` of
    rows could carry a bounded metric; equal probabilities or values differ by exactly 0.

    Shape:
        truth, blocks, weights: (rows,)
        prediction_a, prediction_b: (rows, n_labels) or (rows,), as `metric.reads` says
    """
    sign = 1.0 if metric.greater_is_better else -1.0
    weights = weights_for(metric, weights)

    def statistic(chunk: np.ndarray) -> np.ndarray:
        return sign * (metric.resample(truth, prediction_a, chunk) - metric.resample(truth, prediction_b, chunk))

    found = resampled(statistic, blocks, seed, replicates, level, weights)
    low, high = found.interval
    span = abs(metric.best - metric.worst)
    if not found.varies and math.isfinite(span) and (metric.reads == "decision" or found.estimate != 0):
        unseen = unseen_share(_units(found.n_units, blocks, weights), level) * span
        low, high = max(-span, low - unseen), min(span, high + unseen)
    return Difference(found.estimate, (low, high), found.p, len(truth))


def optimism(
    metric: Metric,
    truth: np.ndarray,
    predictions: Sequence[np.ndarray],
    blocks: np.ndarray,
    seed: int = 0,
    replicates: int = 200,
    weights: np.ndarray | None = None,
) -> float:
    """Return by how much the best of N candidates looks too good on the rows it was chosen on, in units of the metric.

    On every resample the winner is picked, and its lead over its own score on all rows is the gap. The mean gap is too
    small where candidates are alike, because the rows have already spread them once; judging the winner on the rows
    left out of the resample gives twice that gap, which is too large. We report 1.5 times the gap: in simulation with
    equal candidates .027 and .048 where the truth was .025 and .049 (5 and 30 candidates); with unequal ones it errs
    high. Never negative.

    Shape:
        predictions[i]: (rows, n_labels) or (rows,), as `metric.reads` says

    Source: Efron (1983), Estimating the Error Rate of a Prediction Rule; Tibshirani & Tibshirani (2009), A bias
    correction for the minimum error rate in cross-validation.
    """
    if len(predictions) < 2:
        return 0.0
    sign = 1.0 if metric.greater_is_better else -1.0
    weights = weights_for(metric, weights)
    whole = np.array([sign * metric.score(truth, prediction, weights) for prediction in predictions])
    gaps = []
    for drawn_rows in bootstrap_weights(blocks, replicates, seed):
        chunk = drawn_rows if weights is None else drawn_rows * weights
        drawn = sign * np.stack([metric.resample(truth, prediction, chunk) for prediction in predictions], axis=1)
        drawn = drawn[~np.isnan(drawn).any(1)]
        winner = drawn.argmax(1)
        gaps.append(drawn[np.arange(len(drawn)), winner] - whole[winner])
    gap = np.concatenate(gaps)
    return max(0.0, 1.5 * float(gap.mean())) if len(gap) else math.nan


def weights_for(metric: Metric, weights: np.ndarray | None) -> np.ndarray | None:
    """Return row weights as a metric takes them: None where it has no weighted form (its class says `unweighted`)."""
    return None if getattr(metric, "unweighted", False) else weights


def titled(metric: Metric, weights: np.ndarray | None) -> str:
    """Return the metric as written in reports, with the word that `weighted` puts before it."""
    return weighted({"weighted": how_weighed(metric, weights)}) + metric.title


def how_weighed(
    metric: Metric, weights: np.ndarray | None, blocks: np.ndarray | None = None
) -> dict[str, float] | bool | None:
    """Return what a score says of its weights; see `Score.weighted`."""
    if weights is None:
        return None
    return False if weights_for(metric, weights) is None else {"effective": effective_size(weights, blocks)}


def _units(n_units: int, blocks: np.ndarray, weights: np.ndarray | None) -> float:
    """Return how many equal units these are worth."""
    return n_units if weights is None else max(1.0, effective_size(weights, blocks))


def _if_unseen(
    metric: Metric, truth: np.ndarray, prediction: np.ndarray, n_units: float, level: float, base: np.ndarray | None = None
) -> list[float]:  # fmt: skip
    """Return the metric if a share of rows, small enough to have gone unseen, were as wrong, or as right, as can be."""
    share = unseen_share(n_units, level)
    if hasattr(
        metric, "each"
    ):  # without a target no row is wrong: as far as a share of rows could carry a bounded mean
        value = metric.score(truth, prediction, base)
        ends = [end for end in (metric.best, metric.worst) if math.isfinite(end)]
        return [(1 - share) * value + share * end for end in ends] or [value]
    weights = np.repeat([(1 - share) / len(truth), share / len(truth)], len(truth))
    if base is not None:
        weights = weights * np.concatenate([base, base])
    if metric.reads == "value":  # as wrong: as if nothing but the mean were known there
        mean = np.broadcast_to(np.mean(truth, axis=0), prediction.shape)
        return [metric.score(np.concatenate([truth, truth]), np.concatenate([prediction, mean]), weights)]
    if np.ndim(truth) == 2:  # label sets: every label of those rows wrong, or right
        right = (prediction >= 0.5).astype(np.int64)
        others = (1 - right, right)
    elif metric.reads == "probability":
        others = (prediction.argmin(1), prediction.argmax(1))
    else:
        others = (np.where(prediction == 0, 1, 0), prediction)
    doubled = np.concatenate([prediction, prediction])
    return [metric.score(np.concatenate([truth, other]), doubled, weights) for other in others]


def told(score: Mapping[str, Any]) -> str:
    """Return a score's plain data as words; rows of one class have no ROC AUC, and that is said.

    Examples:
        >>> told({"metric": "rmse", "title": "RMSE", "value": 0.43361, "interval": [0.42, 0.45], "n": 4128})
        'RMSE 0.4336 [0.42, 0.45] on 4,128 rows'
        >>> told({"metric": "roc_auc", "title": "ROC AUC", "value": None, "interval": [None, None], "n": 12})
        'ROC AUC cannot be computed on these 12 rows'
        >>> told({"metric": "mae", "title": "MAE", "value": 2.0, "interval": [1.5, 2.5], "n": 80, "weighted": {"effective": 41.3}})
        'weighted MAE 2 [1.5, 2.5] on 80 rows'
    """
    if score["value"] is None:
        return f"{named(score)} cannot be computed on these {score['n']:,} rows"
    return f"{short(score)} {span(score['interval'])} on {score['n']:,} rows"


def short(score: Mapping[str, Any]) -> str:
    """Return a score's plain data as its metric and value.

    Examples:
        >>> short({"metric": "roc_auc", "title": "ROC AUC", "value": 0.92853})
        'ROC AUC 0.9285'
    """
    return f"{named(score)} {number(score['value'])}"


def named(score: Mapping[str, Any]) -> str:
    """Return the metric of a score's plain data as people write it; scores of older journals have only its name in files."""
    return f"{weighted(score)}{score.get('title') or score['metric']}"


def weighted(score: Mapping[str, Any]) -> str:
    """Return the word before a metric's name: "weighted " or, in a study with row weights, "unweighted "; else nothing."""
    found = score.get("weighted")
    return "" if found is None else "weighted " if found else "unweighted "


def _ends(interval: Interval) -> list[float | None]:
    return [finite(end) for end in interval]
