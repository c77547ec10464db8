"""Thresholds: from which probability on the answer is yes, by a metric of decisions or by what errors cost.

Knows probabilities and truth as arrays. Which predictions deserve a threshold is decided by steps; nothing is fitted but one cut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fieldguide.core.contracts import Metric
from fieldguide.core.errors import ConfigError, DataError

CURVE_POINTS = 101
GRID = 32
"""Cuts of a label that are tried where no metric of one label alone stands for the metric of all."""
SWEEPS = 4
RESAMPLES = 40
SURE = 1.64
"""Standard errors by which a cut must be better: one-sided, at 5 %."""


@dataclass(frozen=True)
class Threshold:
    """The best cut of a probability, and how the score runs over all cuts.

    Args:
        threshold: decide 1 where the probability is at least this.
        score: metric (or cost per row) at the threshold, on the rows it was chosen on: optimistic by that choice.
        judged_by: name of the metric, or `expected_cost`.
        curve: up to 101 of (threshold, score), rising in threshold.
        theory: where costs alone put the cut if probabilities were calibrated, fp / (fp + fn); None without costs.
    """

    threshold: float
    score: float
    judged_by: str
    curve: tuple[tuple[float, float], ...]
    theory: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "curve": [list(point) for point in self.curve]}


def best_threshold(
    truth: np.ndarray,
    probability: np.ndarray,
    metric: Metric | None = None,
    costs: Mapping[str, float] | None = None,
    weights: np.ndarray | None = None,
) -> Threshold:
    """Return the threshold with the best score over every distinct way to cut the rows.

    Costs, where stated, decide; else the metric does. Cuts lie halfway between neighbouring probabilities, so equal
    probabilities are always decided alike; of equally good cuts the one nearest the theory (without costs 0.5) wins.

    Args:
        truth: 0 or 1.
        probability: of label 1.
        metric: a metric that reads decisions.
        costs: `false_positive` and `false_negative`, in any unit; a missing one is 1.
        weights: row weights, or None.

    Shape:
        truth, probability, weights: (rows,)

    Raises:
        ConfigError: neither costs nor a metric that reads decisions was given, or the costs are not positive.
        DataError: there are no rows.

    Source: Elkan (2001), The Foundations of Cost-Sensitive Learning, equation 2 (the theory).

    Examples:
        >>> found = best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.3, 0.9]), costs={"false_negative": 5})
        >>> round(found.threshold, 3), found.score
        (0.2, 0.25)
    """
    truth, probability = np.asarray(truth).astype(np.int64), np.asarray(probability, dtype=np.float64)
    if not len(truth):
        raise DataError(
            "there are no rows to choose a threshold on",
            rule="a threshold is chosen on rows whose truth is known",
            found="0 rows",
            do="give rows with their truth",
        )
    weights = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    cuts, cells = cuts_of(truth, probability, weights)
    name, scores, gain, theory = _judged(cells, metric, costs)
    gain = np.where(np.isnan(gain), -np.inf, gain)
    top = float(gain.max())
    best = np.flatnonzero(gain >= (top - 1e-12 * max(1.0, abs(top)) if np.isfinite(top) else top))
    chosen = int(best[np.abs(cuts[best] - (0.5 if theory is None else theory)).argmin()])
    shown = np.unique(np.linspace(0, len(cuts) - 1, min(CURVE_POINTS, len(cuts))).round().astype(int))
    if chosen not in shown:
        shown[np.abs(shown - chosen).argmin()] = chosen
    curve = tuple((float(cuts[i]), float(scores[i])) for i in shown)
    return Threshold(float(cuts[chosen]), float(scores[chosen]), name, curve, theory)


def _judged(
    cells: np.ndarray, metric: Metric | None, costs: Mapping[str, float] | None
) -> tuple[str, np.ndarray, np.ndarray, float | None]:
    """Return by what cuts are judged, what each scores, what each gains (more is better), and where theory puts the cut."""
    if costs:
        wrong = _costs(costs)
        cost = (wrong[0] * cells[:, 1] + wrong[1] * cells[:, 2]) / cells.sum(1)
        return "expected_cost", cost, -cost, wrong[0] / (wrong[0] + wrong[1])
    if metric is not None and metric.reads == "decision":
        # Four rows, one per cell of the confusion matrix, weighted by how many rows fall there at each cut.
        scores = metric.resample(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), cells)
        return metric.name, scores, scores if metric.greater_is_better else -scores, None
    raise ConfigError(
        "there is nothing to choose a threshold by",
        rule="a threshold needs costs, or a metric that reads decisions",
        found="no metric" if metric is None else f"{metric.name} reads {metric.reads}",
        do="state problem.costs, or use a metric such as f1 or balanced_accuracy",
    )


def label_thresholds(
    truth: np.ndarray, probability: np.ndarray, metric: Metric, weights: np.ndarray | None = None
) -> tuple[float, ...]:
    """Return one threshold per label of a set, chosen by the metric where it reads decisions, else 0.5 each.

    Labels are cut one after the other, each at the best of up to 32 cuts between its probabilities while the others stay,
    until nothing improves. A cut replaces another only where it is better by more than 1.64 standard errors of the gain, over
    40 resamples of the rows: the best of many cuts always looks better, and 0.5 is right for calibrated probabilities
    wherever mistakes of both kinds cost the same.

    Shape:
        truth: (rows, n_labels) of 0 and 1; probability: (rows, n_labels); weights: (rows,) or None

    Examples:
        >>> from fieldguide import parts
        >>> truth = np.tile([[1, 0], [0, 0], [1, 1], [0, 1]], (10, 1))
        >>> p = np.tile([[0.4, 0.1], [0.1, 0.2], [0.3, 0.9], [0.2, 0.7]], (10, 1))
        >>> label_thresholds(truth, p, parts.find("metrics", "f1_micro")())
        (0.25, 0.5)
    """
    cuts = np.full(truth.shape[1], 0.5)
    if metric.reads != "decision" or not len(truth):
        return tuple(cuts.tolist())
    sign = 1.0 if metric.greater_is_better else -1.0
    choices = [_between(column) for column in probability.T]
    drawn = np.random.default_rng(0).multinomial(len(truth), np.full(len(truth), 1 / len(truth)), RESAMPLES)
    if weights is not None:
        drawn = drawn * weights
    decided = (probability >= cuts).astype(np.int64)
    for _ in range(SWEEPS):
        moved = False
        for label, column in enumerate(probability.T):
            tried = [(cut, _with(decided, label, column >= cut)) for cut in choices[label]]
            if not tried:
                continue
            scores = [_defined(sign * metric.score(truth, other, weights)) for _, other in tried]
            cut, best = tried[int(np.argmax(scores))]
            gains = sign * (metric.resample(truth, best, drawn) - metric.resample(truth, decided, drawn))
            if np.isfinite(gains).all() and gains.mean() > SURE * gains.std() + 1e-12:
                cuts[label], decided, moved = cut, best, True
        if not moved:
            break
    return tuple(cuts.tolist())


def _with(decided: np.ndarray, label: int, column: np.ndarray) -> np.ndarray:
    other = decided.copy()
    other[:, label] = column
    return other


def _between(column: np.ndarray) -> np.ndarray:
    """Return up to `GRID` cuts halfway between neighbouring probabilities, evenly spaced in rows."""
    levels = np.unique(column)
    middles = (levels[:-1] + levels[1:]) / 2
    if len(middles) > GRID:
        wanted = np.quantile(column, np.arange(1, GRID) / GRID)
        middles = np.unique(middles[np.minimum(np.searchsorted(middles, wanted), len(middles) - 1)])
    return np.asarray(middles)


def _defined(score: float) -> float:
    return score if math.isfinite(score) else -math.inf


def cuts_of(truth: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every cut, rising, and its confusion (true negative, false positive, false negative, true positive)."""
    levels, which = np.unique(probability, return_inverse=True)
    ones = np.bincount(which, weights * (truth == 1), len(levels))
    zeros = np.bincount(which, weights * (truth != 1), len(levels))
    missed, right = np.append(0.0, np.cumsum(ones)), np.append(0.0, np.cumsum(zeros))
    beyond = (levels[-1] + 1) / 2 if levels[-1] < 1 else np.nextafter(levels[-1], np.inf)
    cuts = np.concatenate([[levels[0] / 2], (levels[:-1] + levels[1:]) / 2, [beyond]])
    return cuts, np.column_stack([right, right[-1] - right, missed, missed[-1] - missed])


def _costs(costs: Mapping[str, float]) -> tuple[float, float]:
    positive, negative = float(costs.get("false_positive", 1.0)), float(costs.get("false_negative", 1.0))
    if positive < 0 or negative < 0 or positive + negative == 0:
        raise ConfigError(
            "the costs of mistakes decide nothing",
            rule="costs are not negative, and one is above 0",
            found=f"false_positive {positive:g}, false_negative {negative:g}",
            do="state what mistakes cost, such as {false_positive: 1, false_negative: 5}",
        )
    return positive, negative
