"""The contract of a metric: exact under weights, one number and many, blind to the order of rows.

Knows `core.contracts.Metric` only; whether the number is the right one is tested beside the metric.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

FAMILIES = ("binary", "multiclass", "multilabel", "values", "vector", "structure")
N_ROWS = 60


def check_metric(metric: Any, seed: int = 0) -> None:
    """Assert that a metric keeps the contract, in every family it can judge.

    Args:
        metric: an instance of the metric.
        seed: of the rows it is tried on.

    Raises:
        AssertionError: names the rule that does not hold.

    Examples:
        >>> from fieldguide import parts
        >>> check_metric(parts.find("metrics", "roc_auc")())
    """
    settled = getattr(type(metric), "__dataclass_params__", None)
    assert settled is not None and settled.frozen, "a metric is a frozen dataclass"
    assert metric.reads in ("probability", "decision", "value"), f"reads has no meaning {metric.reads!r}"
    assert metric.families and set(metric.families) <= set(FAMILIES), f"families are among {FAMILIES}"
    assert bool({"values", "vector", "structure"} & set(metric.families)) == (metric.reads == "value"), (
        "values are read by metrics of values only"
    )
    assert metric.title, "a metric has a title, as written in reports"
    better, worse = (metric.best, metric.worst) if metric.greater_is_better else (metric.worst, metric.best)
    assert better > worse, "best and worst lie the way greater_is_better says"
    assert math.isfinite(metric.best), "a perfect prediction has a finite score"
    for family in metric.families:
        if family == "structure":
            _check_structure(metric, *structured(metric.tasks[0], seed))
            continue
        _check_family(
            metric, *(offers(seed) if getattr(metric, "tasks", ()) == ("price",) else rows(family, metric.reads, seed))
        )


def rows(family: str, reads: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (truth, prediction, perfect prediction) with ties, as a metric of this kind reads them.

    Examples:
        >>> [part.shape for part in rows("multiclass", "probability")]
        [(60,), (60, 3), (60, 3)]
    """
    rng = np.random.default_rng(seed)
    if family == "values":
        truth = rng.gamma(2.0, 10.0, N_ROWS)
        return truth, np.round(np.abs(truth + rng.normal(0, 5, N_ROWS)), 0), truth.copy()
    if family == "vector":
        truth = rng.gamma(2.0, 10.0, (N_ROWS, 3)) * [1.0, 100.0, 0.01]
        return truth, truth * np.round(rng.uniform(0.5, 1.5, truth.shape), 1), truth.copy()
    if family == "multilabel":
        truth = (rng.random((N_ROWS, 4)) < [0.5, 0.3, 0.2, 0.1]).astype(np.int64)
        truth[:4] = np.eye(4, dtype=np.int64)  # every label occurs
        guess = np.round(np.clip(0.6 * truth + rng.uniform(0, 0.5, truth.shape), 0.05, 0.95), 1)
        decided = reads == "decision"
        return (
            truth,
            (guess >= 0.5).astype(np.int64) if decided else guess,
            truth if decided else truth.astype(np.float64),
        )
    n_labels = 2 if family == "binary" else 3
    truth = rng.permutation(np.arange(N_ROWS) % n_labels).astype(np.int64)
    certain = np.eye(n_labels)[truth]
    raw = np.round(rng.dirichlet(np.ones(n_labels), N_ROWS), 1) + 0.05 + certain  # rounding makes ties
    probability = raw / raw.sum(1, keepdims=True)
    if reads == "decision":
        return truth, (raw - 0.6 * certain).argmax(1).astype(np.int64), truth.copy()
    return truth, probability, certain


def offers(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (truth, prediction, perfect prediction) of offered prices, negative where they were not booked.

    Examples:
        >>> [part.shape for part in offers()]
        [(60,), (60,), (60,)]
    """
    rng = np.random.default_rng(seed)
    price = np.round(rng.gamma(4.0, 25.0, N_ROWS)) + 1.0
    booked = np.arange(N_ROWS) % 2 == 0
    truth = np.where(booked, price, -price)
    return truth, np.round(price * rng.uniform(0.5, 1.5, N_ROWS)), np.where(booked, price, 0.9 * price)


def structured(task: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows as points, what is said of them) of a task without a target: memberships, or coordinates and rebuilt rows.

    Examples:
        >>> [part.shape for part in structured("clustering")], [part.shape for part in structured("reduction")]
        ([(60, 4), (60, 3)], [(60, 4), (60, 6)])
    """
    rng = np.random.default_rng(seed)
    groups = np.arange(N_ROWS) % 3
    points = rng.normal(size=(N_ROWS, 4)) + 3.0 * np.eye(3, 4)[groups]
    points -= points.mean(axis=0)
    if task == "clustering":
        shares = 0.2 + np.eye(3)[np.where(rng.random(N_ROWS) < 0.1, (groups + 1) % 3, groups)]
        shares[5] = 0.0  # a row in none
        return points, shares
    return points, np.concatenate([points[:, :2], 0.7 * points], axis=1)


def _check_structure(metric: Any, truth: np.ndarray, prediction: np.ndarray) -> None:
    """Without a target no prediction is perfect, and rows are judged by each other: weights count the rows' own parts."""
    rng = np.random.default_rng(1)
    value = metric.score(truth, prediction)
    assert isinstance(value, float) and math.isfinite(value), f"a score is one finite float, not {value!r}"
    least, most = sorted((metric.best, metric.worst))
    assert least <= value <= most, f"{value} lies outside {least} to {most}"
    each = metric.each(truth, prediction)
    assert each.shape == (len(truth),) and np.isfinite(each).all(), "each row has its own finite part"
    order = rng.permutation(len(truth))
    assert math.isclose(metric.score(truth[order], prediction[order]), value, rel_tol=1e-9), "the order of rows matters"
    weights = rng.integers(0, 4, (5, len(truth))).astype(np.float32)
    many = metric.resample(truth, prediction, weights)
    assert many.shape == (5,) and many.dtype == np.float64, "resample gives one float64 per replicate"
    for weight, one in zip(weights, many):
        weighted = metric.score(truth, prediction, weight.astype(np.float64))
        assert math.isclose(one, weighted, rel_tol=1e-9, abs_tol=1e-12), "score and resample disagree under weights"
    assert np.allclose(metric.resample(truth, prediction, 0.5 * weights), many, rtol=1e-9), (
        "the scale of the weights matters"
    )
    nothing = metric.resample(truth, prediction, np.zeros((1, len(truth)), np.float32))
    assert np.isnan(nothing).all(), "a replicate without rows is NaN"
    turned = metric.score(truth[:, ::-1] * -1.0, _turned(metric, truth, prediction))
    assert math.isclose(turned, value, rel_tol=1e-6, abs_tol=1e-9), "rows that are mirrored are as near as before"


def _turned(metric: Any, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """The same answer of mirrored points: clusters by other names, or a map with its rebuilt rows mirrored alike."""
    if metric.tasks[0] == "clustering":
        return prediction[:, ::-1]
    d = truth.shape[1]
    return np.concatenate([-prediction[:, :-d], -prediction[:, -d:][:, ::-1]], axis=1)


def _check_family(metric: Any, truth: np.ndarray, prediction: np.ndarray, perfect: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    value = metric.score(truth, prediction)
    assert isinstance(value, float) and math.isfinite(value), f"a score is one finite float, not {value!r}"
    least, most = sorted((metric.best, metric.worst))
    assert least <= value <= most, f"{value} lies outside {least} to {most}"
    best = metric.score(truth, perfect)
    assert math.isclose(best, metric.best, abs_tol=1e-9), (
        f"a perfect prediction scores {best}, not best = {metric.best}"
    )
    sign = 1 if metric.greater_is_better else -1
    assert sign * best >= sign * value, "a perfect prediction is no worse than an imperfect one"

    order = rng.permutation(len(truth))
    assert math.isclose(metric.score(truth[order], prediction[order]), value, rel_tol=1e-9), "the order of rows matters"
    weights = rng.integers(0, 4, (5, len(truth))).astype(np.float32)
    many = metric.resample(truth, prediction, weights)
    assert many.shape == (5,) and many.dtype == np.float64, "resample gives one float64 per replicate"
    for weight, one in zip(weights, many):
        times = weight.astype(int)
        repeated = metric.score(np.repeat(truth, times, axis=0), np.repeat(prediction, times, axis=0))
        assert math.isclose(one, repeated, rel_tol=1e-9, abs_tol=1e-12), "a weight of k is not k equal rows"
        weighted = metric.score(truth, prediction, weight.astype(np.float64))
        assert math.isclose(one, weighted, rel_tol=1e-9, abs_tol=1e-12), "score and resample disagree under weights"
    scaled = metric.resample(truth, prediction, 0.5 * weights)
    assert np.allclose(scaled, many, rtol=1e-9), "the scale of the weights matters"
    nothing = metric.resample(truth, prediction, np.zeros((1, len(truth)), np.float32))
    assert np.isnan(nothing).all(), "a replicate without rows is NaN"
