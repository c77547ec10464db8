"""Operating points: the threshold that reaches a stated recall or precision, and what a threshold gives.

Knows probabilities and truth as arrays. Which rows a threshold is chosen on is decided by steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fieldguide.core.errors import DataError
from fieldguide.core.statistics.bootstrap import wilson
from fieldguide.core.statistics.threshold import CURVE_POINTS, Threshold, cuts_of
from fieldguide.core.statistics.weighting import effective_size, mean_one


def threshold_to_reach(
    truth: np.ndarray, probability: np.ndarray, target: Mapping[str, float], weights: np.ndarray | None = None
) -> Threshold:
    """Return the threshold that reaches a recall with the highest precision, or a precision with the highest recall.

    Where no threshold reaches the precision, it is the one that comes nearest; `score` then says how near.

    Args:
        truth: 0 or 1.
        probability: of label 1.
        target: `{recall: share}` or `{precision: share}`.
        weights: row weights, or None.

    Shape:
        truth, probability, weights: (rows,)

    Raises:
        DataError: there are no rows, or none is positive.

    Examples:
        >>> truth, p = np.array([0, 1, 0, 1, 1]), np.array([0.1, 0.3, 0.4, 0.6, 0.9])
        >>> round(threshold_to_reach(truth, p, {"recall": 0.9}).threshold, 3)
        0.2
        >>> found = threshold_to_reach(truth, p, {"precision": 0.9})
        >>> round(found.threshold, 3), found.score
        (0.5, 1.0)
    """
    truth, probability = np.asarray(truth).astype(np.int64), np.asarray(probability, np.float64)
    if not len(truth) or not (truth if weights is None else truth * weights).any():
        raise DataError(
            "there is nothing to choose a threshold on",
            rule="a target recall or precision needs positive rows",
            found=f"{int(truth.sum()):,} positive of {len(truth):,} rows",
            do="judge rows of which some are positive, or leave out problem.decide",
        )
    ((name, wanted),) = target.items()
    cuts, cells = cuts_of(
        truth, probability, np.ones(len(truth)) if weights is None else np.asarray(weights, np.float64)
    )
    recall, precision = rates(cells)
    aimed, other = (recall, precision) if name == "recall" else (precision, recall)
    reached = np.flatnonzero(np.nan_to_num(aimed, nan=-1.0) >= wanted - 1e-12)
    if len(reached):
        best = int(reached[np.lexsort((cuts[reached], np.nan_to_num(other[reached], nan=-1.0)))[-1]])
    else:
        best = int(np.nanargmax(aimed))
    shown = np.unique(np.linspace(0, len(cuts) - 1, min(CURVE_POINTS, len(cuts))).round().astype(int))
    curve = tuple((float(cuts[i]), float(aimed[i])) for i in shown if np.isfinite(aimed[i]))
    return Threshold(float(cuts[best]), float(aimed[best]), name, curve)


def rates(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return recall and precision of confusions (true negative, false positive, false negative, true positive).

    Shape:
        cells: (cuts, 4)
        returns: (cuts,), (cuts,); NaN where nothing is positive, or nothing is called so
    """
    hits, called, real = cells[:, 3], cells[:, 1] + cells[:, 3], cells[:, 2] + cells[:, 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        return hits / real, hits / called


def operating_point(
    truth: np.ndarray, probability: np.ndarray, threshold: float, weights: np.ndarray | None = None
) -> dict[str, Any]:
    """Return recall and precision at a threshold, each with Wilson's interval and its rows.

    With row weights both are weighted, and an interval counts as many rows as its weights are worth.

    Shape:
        truth, probability, weights: (rows,)

    Examples:
        >>> found = operating_point(np.array([0, 1, 1]), np.array([0.2, 0.3, 0.9]), 0.5)
        >>> found["recall"]["value"], found["precision"]["value"], found["recall"]["n"]
        (0.5, 1.0, 2)
    """
    truth, called = np.asarray(truth) == 1, np.asarray(probability) >= threshold
    if weights is not None:
        return _weighed_point(truth, called, float(threshold), np.asarray(weights, np.float64))
    hits = float((truth & called).sum())
    found: dict[str, Any] = {"threshold": float(threshold)}
    for name, rows in (("recall", int(truth.sum())), ("precision", int(called.sum()))):
        interval = list(wilson(hits, rows)) if rows else [None, None]
        found[name] = {"value": hits / rows if rows else None, "interval": interval, "n": rows}
    return found


def _weighed_point(truth: np.ndarray, called: np.ndarray, threshold: float, weights: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {"threshold": threshold}
    for name, rows in (("recall", truth), ("precision", called)):
        total = float(weights[rows].sum())
        value, n = (
            (float(weights[truth & called].sum()) / total, effective_size(weights[rows])) if total > 0 else (None, 0.0)
        )
        interval = [None, None] if value is None else list(wilson(value * n, n))
        found[name] = {"value": value, "interval": interval, "n": int(rows.sum())}
    return found


def cost_curve(
    truth: np.ndarray, probability: np.ndarray, costs: Mapping[str, float], points: int = CURVE_POINTS,
    weights: np.ndarray | None = None,
) -> list[dict[str, float]]:  # fmt: skip
    """Return the cost per row at thresholds from 0 to 1, with recall and precision beside it.

    Shape:
        truth, probability, weights: (rows,)

    Examples:
        >>> curve = cost_curve(np.array([0, 1]), np.array([0.2, 0.8]), {"false_positive": 1, "false_negative": 5}, points=3)
        >>> [(point["threshold"], point["cost"]) for point in curve]
        [(0.0, 0.5), (0.5, 0.0), (1.0, 2.5)]
    """
    truth, probability = np.asarray(truth).astype(np.int64), np.asarray(probability, np.float64)
    wrong = costs.get("false_positive", 1.0), costs.get("false_negative", 1.0)
    if weights is not None:
        return _weighed_curve(truth, probability, wrong, points, mean_one(weights))
    found = []
    for threshold in np.linspace(0.0, 1.0, points):
        called = probability >= threshold
        false_positive, false_negative = float((called & (truth == 0)).sum()), float((~called & (truth == 1)).sum())
        hits = float((called & (truth == 1)).sum())
        found.append({
            "threshold": float(threshold), "cost": (wrong[0] * false_positive + wrong[1] * false_negative) / len(truth),
            "recall": hits / max(1.0, float(truth.sum())), "called": float(called.mean()),
        })  # fmt: skip
    return found


def _weighed_curve(
    truth: np.ndarray, probability: np.ndarray, wrong: tuple[float, float], points: int, weights: np.ndarray
) -> list[dict[str, float]]:
    """The same with every row counted by its weight, whose mean is 1."""
    found, positive = [], float(weights @ (truth == 1))
    for threshold in np.linspace(0.0, 1.0, points):
        called = probability >= threshold
        false_positive, false_negative = (
            float(weights @ (called & (truth == 0))),
            float(weights @ (~called & (truth == 1))),
        )
        found.append({
            "threshold": float(threshold), "cost": (wrong[0] * false_positive + wrong[1] * false_negative) / len(truth),
            "recall": (positive - false_negative) / max(1e-300, positive), "called": float(weights @ called) / len(truth),
        })  # fmt: skip
    return found
