"""Outputs one by one on judged rows: score, difference to the bar, slices, and what each label or entry did.

Takes answers and truth; what is said of the first output alone, by which candidates are ranked, is `finalize`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench
from fieldguide.core.contracts import Predictions, Threshold
from fieldguide.core.leaderboard import calibratable, difference, metric_of, readable
from fieldguide.core.problem import Output
from fieldguide.core.score import Score, how_weighed, score
from fieldguide.core.slices import slice_scores
from fieldguide.core.statistics.weighting import mean_one
from fieldguide.parts import find

MOST_DRAWN = 500
"""Rows that are drawn as truth against prediction."""


def output_facts(
    bench: Bench, truths: Sequence[np.ndarray], answers: Predictions, thresholds: Sequence[Threshold], bar_answers: Predictions,
    bar_thresholds: Sequence[Threshold], blocks: np.ndarray, slices: Mapping[str, np.ndarray], weights: np.ndarray | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what is told of each output: {output, task, metric, difference, slices, drawn}; see `drawn`.

    Shape:
        truths[i], answers[i], bar_answers[i]: rows as the output codes and predicts them
        blocks, weights: (rows,); slices[name]: (rows,) bool
    """
    told: list[dict[str, Any]] = []
    how: dict[str, Any] = {"seed": bench.seed, "weights": weights}
    for i, output in enumerate(bench.problem.outputs):
        metric = metric_of(output)
        parts = (truths[i], answers[i], bar_answers[i], blocks)
        against = difference(output, *parts, thresholds=(thresholds[i], bar_thresholds[i]), **how)
        read = readable(output, answers[i], metric, thresholds[i])
        calibrated = calibratable(output, answers[i])
        sliced = slice_scores(metric, truths[i], read, slices, blocks, calibrated=calibrated, **how) if slices else []
        told.append({
            "output": output.name, "task": output.task.name, "metric": metric.name, "title": metric.title, "difference": against,
            "slices": [part.to_dict() for part in sliced], "drawn": drawn(output, truths[i], answers[i], thresholds[i], weights),
            "offers": offer_scores(output, truths[i], answers[i], blocks, bench.seed, weights),
        })  # fmt: skip
    return told


def drawn(
    output: Output, truth: np.ndarray, prediction: np.ndarray, threshold: Threshold, weights: np.ndarray | None = None
) -> dict[str, Any]:
    """Return what a report draws of one output; with row weights a row counts as what it weighs, 1 on average.

    Classes: the confusion matrix. Label sets: each label's precision, recall and F1 at its threshold. Vectors: each entry's
    errors. One value: truth against prediction for a sample of rows.
    """
    weights = None if weights is None else mean_one(weights)
    if output.family == "multilabel":
        return {"members": _members(output, truth, output.task.decide(prediction, threshold), threshold, weights)}
    if output.family == "vector":
        return {"entries": _entries(output, truth, prediction, weights)}
    if output.task.family == "classes":
        decided = output.task.decide(prediction, threshold)
        width = len(output.labels)
        table = np.bincount(truth * width + decided, weights, minlength=width * width).reshape(width, width)
        return {"labels": list(output.labels), "confusion": table.tolist(), "threshold": threshold}
    rows = np.linspace(0, len(truth) - 1, min(MOST_DRAWN, len(truth))).astype(int)
    return {"truth": output.plain(truth)[rows].tolist(), "predicted": prediction[rows, 0].tolist()}


def offer_scores(
    output: Output,
    truth: np.ndarray,
    prediction: np.ndarray,
    blocks: np.ndarray,
    seed: int,
    weights: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Return all metrics that judge a suggested price, each with its interval; none for other tasks.

    Shape:
        truth, blocks: (rows,); prediction: (rows, 1)
    """
    if not output.codes_more:
        return []
    told = []
    for name in output.task.metrics:
        chosen = output.metric
        part = chosen if chosen is not None and chosen.name == name else find("metrics", name)()
        value, interval = score(part, truth, prediction[:, 0], blocks, seed=seed, weights=weights)
        how = how_weighed(part, weights, blocks)
        n_units = len(np.unique(blocks))
        told.append(
            Score(
                output.name, name, value, interval, len(truth), n_units, "test", weighted=how, title=part.title
            ).to_dict()
        )  # fmt: skip
    return told


def _members(
    output: Output, truth: np.ndarray, decided: np.ndarray, threshold: Threshold, weights: np.ndarray | None
) -> list[dict[str, Any]]:
    cuts = np.broadcast_to(0.5 if threshold is None else np.asarray(threshold, np.float64), len(output.labels))
    hits, true, taken = (
        cells.sum(0) if weights is None else weights @ cells for cells in (truth * decided, truth, decided)
    )
    return [
        {
            "label": label, "n": round(float(true[i])), "decided": round(float(taken[i])), "threshold": float(cuts[i]),
            "precision": _share(hits[i], taken[i]), "recall": _share(hits[i], true[i]), "f1": _share(2 * hits[i], true[i] + taken[i]),
        }
        for i, label in enumerate(output.labels)
    ]  # fmt: skip


def _entries(
    output: Output, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None
) -> list[dict[str, Any]]:
    gaps = truth - prediction
    if weights is not None:
        return _weighed_entries(output, truth, gaps, weights)
    spread = ((truth - truth.mean(0)) ** 2).sum(0)
    return [
        {
            "entry": name, "mean": float(truth[:, i].mean()), "rmse": float(np.sqrt((gaps[:, i] ** 2).mean())), "mae": float(np.abs(gaps[:, i]).mean()),
            "bias": float(-gaps[:, i].mean()), "r2": float(1 - (gaps[:, i] ** 2).sum() / spread[i]) if spread[i] > 0 else None,
        }
        for i, name in enumerate(output.labels)
    ]  # fmt: skip


def _weighed_entries(output: Output, truth: np.ndarray, gaps: np.ndarray, weights: np.ndarray) -> list[dict[str, Any]]:
    means = np.average(truth, axis=0, weights=weights)
    square, spread = (np.average(x**2, axis=0, weights=weights) for x in (gaps, truth - means))
    off, bias = np.average(np.abs(gaps), axis=0, weights=weights), -np.average(gaps, axis=0, weights=weights)
    return [
        {
            "entry": name, "mean": float(means[i]), "rmse": float(np.sqrt(square[i])), "mae": float(off[i]), "bias": float(bias[i]),
            "r2": float(1 - square[i] / spread[i]) if spread[i] > 0 else None,
        }
        for i, name in enumerate(output.labels)
    ]  # fmt: skip


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
