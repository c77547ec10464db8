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
from fieldguide.core.score import Score, score
from fieldguide.core.slices import slice_scores
from fieldguide.parts import find

MOST_DRAWN = 500
"""Rows that are drawn as truth against prediction."""


def output_facts(
    bench: Bench, truths: Sequence[np.ndarray], answers: Predictions, thresholds: Sequence[Threshold], bar_answers: Predictions,
    bar_thresholds: Sequence[Threshold], blocks: np.ndarray, slices: Mapping[str, np.ndarray],
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what is told of each output: {output, task, metric, difference, slices, drawn}; see `drawn`.

    Shape:
        truths[i], answers[i], bar_answers[i]: rows as the output codes and predicts them
        blocks: (rows,); slices[name]: (rows,) bool
    """
    told = []
    for i, output in enumerate(bench.problem.outputs):
        metric = metric_of(output)
        parts = (truths[i], answers[i], bar_answers[i], blocks)
        against = difference(output, *parts, seed=bench.seed, thresholds=(thresholds[i], bar_thresholds[i]))
        read = readable(output, answers[i], metric, thresholds[i])
        calibrated = calibratable(output, answers[i])
        sliced = (
            slice_scores(metric, truths[i], read, slices, blocks, seed=bench.seed, calibrated=calibrated)
            if slices
            else []
        )
        told.append({
            "output": output.name, "task": output.task.name, "metric": metric.name, "title": metric.title, "difference": against,
            "slices": [part.to_dict() for part in sliced], "drawn": drawn(output, truths[i], answers[i], thresholds[i]),
            "offers": offer_scores(output, truths[i], answers[i], blocks, bench.seed),
        })  # fmt: skip
    return told


def drawn(output: Output, truth: np.ndarray, prediction: np.ndarray, threshold: Threshold) -> dict[str, Any]:
    """Return what a report draws of one output.

    Classes: the confusion matrix. Label sets: each label's precision, recall and F1 at its threshold. Vectors: each entry's
    errors. One value: truth against prediction for a sample of rows.
    """
    if output.family == "multilabel":
        return {"members": _members(output, truth, output.task.decide(prediction, threshold), threshold)}
    if output.family == "vector":
        return {"entries": _entries(output, truth, prediction)}
    if output.task.family == "classes":
        decided = output.task.decide(prediction, threshold)
        width = len(output.labels)
        table = np.bincount(truth * width + decided, minlength=width * width).reshape(width, width)
        return {"labels": list(output.labels), "confusion": table.tolist(), "threshold": threshold}
    rows = np.linspace(0, len(truth) - 1, min(MOST_DRAWN, len(truth))).astype(int)
    return {"truth": output.plain(truth)[rows].tolist(), "predicted": prediction[rows, 0].tolist()}


def offer_scores(
    output: Output, truth: np.ndarray, prediction: np.ndarray, blocks: np.ndarray, seed: int
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
        value, interval = score(part, truth, prediction[:, 0], blocks, seed=seed)
        told.append(Score(output.name, name, value, interval, len(truth), len(np.unique(blocks)), "test").to_dict())
    return told


def _members(output: Output, truth: np.ndarray, decided: np.ndarray, threshold: Threshold) -> list[dict[str, Any]]:
    cuts = np.broadcast_to(0.5 if threshold is None else np.asarray(threshold, np.float64), len(output.labels))
    hits, true, taken = (truth * decided).sum(0), truth.sum(0), decided.sum(0)
    return [
        {
            "label": label, "n": int(true[i]), "decided": int(taken[i]), "threshold": float(cuts[i]),
            "precision": _share(hits[i], taken[i]), "recall": _share(hits[i], true[i]), "f1": _share(2 * hits[i], true[i] + taken[i]),
        }
        for i, label in enumerate(output.labels)
    ]  # fmt: skip


def _entries(output: Output, truth: np.ndarray, prediction: np.ndarray) -> list[dict[str, Any]]:
    gaps = truth - prediction
    spread = ((truth - truth.mean(0)) ** 2).sum(0)
    return [
        {
            "entry": name, "mean": float(truth[:, i].mean()), "rmse": float(np.sqrt((gaps[:, i] ** 2).mean())), "mae": float(np.abs(gaps[:, i]).mean()),
            "bias": float(-gaps[:, i].mean()), "r2": float(1 - (gaps[:, i] ** 2).sum() / spread[i]) if spread[i] > 0 else None,
        }
        for i, name in enumerate(output.labels)
    ]  # fmt: skip


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
