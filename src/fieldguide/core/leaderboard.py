"""Leaderboard entries: what each candidate scored, what it costs, and which one is chosen.

Knows how judged predictions become plain facts and how candidates are ranked within the problem's limits; fitting is
`core.evaluate`'s, intervals are `core.score`'s.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.contracts import Metric, Predictions, Threshold
from fieldguide.core.errors import GateError
from fieldguide.core.model import Find, Model
from fieldguide.core.problem import Output, Problem
from fieldguide.core.score import Difference, Score, compare, how_weighed, score, weights_for
from fieldguide.core.statistics.calibration import calibration
from fieldguide.core.statistics.dependence import Widening, dependence, less_sure, widened, widening_of
from fieldguide.core.statistics.operating_point import threshold_to_reach
from fieldguide.core.statistics.threshold import best_threshold, label_thresholds

LATENCY_ROWS = 40
NO_CALIBRATION: dict[str, Any] = {"ratio": None, "interval": [None, None], "ratios": {}, "error": None, "bins": []}
"""Where no truth can come true: of suggested prices, and without a target."""


def readable(output: Output, prediction: np.ndarray, metric: Metric, threshold: Threshold) -> np.ndarray:
    """Return one output's prediction (original scale) as the metric reads it: probabilities, decisions or values."""
    if metric.reads == "decision":
        return output.task.decide(prediction, threshold)
    return prediction[:, 0] if metric.reads == "value" and not output.joint else prediction


def calibratable(output: Output, prediction: np.ndarray) -> np.ndarray | None:
    """Return the one column of a prediction whose calibration is told slice by slice; None where there are several, or no truth to
    hold it against, as for a suggested price."""
    if output.codes_more or output.targetless:
        return None
    if output.family == "binary":
        return prediction[:, 1]
    return prediction[:, 0] if output.family == "values" else None


def threshold_for(
    output: Output,
    truth: np.ndarray,
    prediction: np.ndarray,
    costs: Mapping[str, float],
    target: Mapping[str, float] | None = None,
    weights: np.ndarray | None = None,
) -> Threshold:
    """Return the decision threshold of a binary output: the target recall or precision, least cost where costs are stated, best metric where it reads
    decisions, else None (0.5). Of label sets, one threshold for each label; see `label_thresholds`."""
    if output.metric is not None and output.family == "multilabel":
        return label_thresholds(truth, prediction, output.metric, weights)
    if output.family != "binary" or output.metric is None:
        return None
    if target:
        return float(threshold_to_reach(truth, prediction[:, 1], target, weights).threshold)
    if costs or output.metric.reads == "decision":
        return float(best_threshold(truth, prediction[:, 1], output.metric, costs, weights).threshold)
    return None


@dataclass(frozen=True)
class InTime:
    """Answered rows in time: what is needed to see whether neighbours err alike.

    Shape:
        times, blocks: (rows,)
        truths[i]: (rows,) coded truth of output i
        predictions[i]: (rows, width) on the original scale
        others[i]: the same of a rival, for differences; empty where there is none
        weights: (rows,) what rows count in scores, or None
    """

    times: np.ndarray
    blocks: np.ndarray
    truths: Sequence[np.ndarray]
    predictions: Sequence[np.ndarray]
    others: Sequence[np.ndarray] = ()
    weights: np.ndarray | None = None


def judge(
    problem: Problem, truths: Sequence[np.ndarray], predictions: Predictions, blocks: np.ndarray, *, seed: int, rows: str,
    looks: int = 0, thresholds: Sequence[Threshold] | None = None, replicates: int = 1000, times: np.ndarray | None = None,
    past: InTime | None = None, weights: np.ndarray | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return scores, calibration and thresholds of predictions as plain data.

    Args:
        weights: what rows count in scores, (rows,); None: all alike.
        times: of the rows, where the study is chronological: where neighbours in time err alike, intervals are wider.
        past: earlier rows with their answers, which tell more of how neighbours err.

    Shape:
        truths[i]: (rows,) coded truth of output i, (rows, width) where it is joint
        predictions[i]: (rows, width) on the original scale
        blocks: (rows,) unit ids; intervals resample these
    """
    scores, calibrations, chosen = [], [], []
    here = None if times is None else InTime(times, blocks, truths, predictions, weights=weights)
    for i, output in enumerate(problem.outputs):
        metric = metric_of(output)
        threshold = (
            thresholds[i]
            if thresholds is not None
            else threshold_for(output, truths[i], predictions[i], problem.costs, problem.decide, weights)
        )
        value, interval = score(
            metric,
            truths[i],
            readable(output, predictions[i], metric, threshold),
            blocks,
            seed=seed,
            replicates=replicates,
            weights=weights,
        )
        n_units = len(np.unique(blocks))
        wider, made = along_time(output, i, metric, threshold, here, past, seed)
        interval = widened(value, interval, wider, metric.best, metric.worst)
        scores.append(
            Score(
                output.name, metric.name, value, interval, len(truths[i]), n_units, rows, looks, made=made,
                weighted=how_weighed(metric, weights, blocks), title=metric.title,
            ).to_dict()
        )  # fmt: skip
        if output.targetless:
            calibrations.append({"output": output.name, **NO_CALIBRATION})
        else:
            found = calibration(truths[i], predictions[i], blocks, output.labels, seed, replicates, weights)
            nothing = NO_CALIBRATION if output.codes_more else {}
            calibrations.append({"output": output.name, **found.to_dict(), **nothing})
        chosen.append(threshold)
    return {"scores": scores, "calibration": calibrations, "thresholds": chosen}


def difference(
    output: Output, truth: np.ndarray, a: np.ndarray, b: np.ndarray, blocks: np.ndarray, *, seed: int,
    thresholds: tuple[Threshold, Threshold] = (None, None), replicates: int = 1000, times: np.ndarray | None = None,
    past: InTime | None = None, weights: np.ndarray | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the paired difference of two predictions on the same rows; positive when `a` is better.

    Args:
        times, past, weights: as `judge` has them; `past` with the answers of both.
    """
    metric = metric_of(output)
    found = compare(
        metric, truth, readable(output, a, metric, thresholds[0]), readable(output, b, metric, thresholds[1]), blocks, seed=seed,
        replicates=replicates, weights=weights,
    )  # fmt: skip
    if times is None:
        return found.to_dict()
    here = InTime(times, blocks, (truth,), (a,), (b,), weights)
    wider, made = along_time(output, 0, metric, thresholds[0], here, past, seed, thresholds[1])
    if wider is None:
        return found.to_dict()
    return {
        **Difference(
            found.value, widened(found.value, found.interval, wider), less_sure(found.p, wider.factor()), found.n
        ).to_dict(),
        "made": made,
    }


def along_time(
    output: Output, i: int, metric: Metric, threshold: Threshold, here: InTime | None, past: InTime | None, seed: int,
    other: Threshold = None,
) -> tuple[Widening | None, str]:  # fmt: skip
    """Return by how much the interval of output i grows because neighbours in time err alike, and that in words."""
    if here is None:
        return None, ""
    parts = [part for part in (past, here) if part is not None and (not here.others or part.others)]
    errors = np.concatenate([_errors(output, part, i) for part in parts])
    times, blocks = (np.concatenate([getattr(part, name) for part in parts]) for name in ("times", "blocks"))
    found = dependence(errors, times, blocks, seed, n_past=len(errors) - len(here.times))
    if found is None:
        return None, ""

    def statistic(part: InTime) -> Callable[[np.ndarray], np.ndarray]:
        read = readable(output, part.predictions[i], metric, threshold)
        own = weights_for(metric, part.weights)
        if not part.others:
            return lambda drawn: metric.resample(part.truths[i], read, drawn if own is None else drawn * own)
        rival = readable(output, part.others[i], metric, other)

        def apart(drawn: np.ndarray) -> np.ndarray:
            drawn = drawn if own is None else drawn * own
            return metric.resample(part.truths[i], read, drawn) - metric.resample(part.truths[i], rival, drawn)

        return apart

    wider = widening_of([(statistic(part), part.times, part.blocks) for part in parts], found, seed)
    if wider is None or wider.factor() <= 1:
        return None, ""
    return wider, (
        f"the interval of independent rows, {wider.factor():.2f} times as wide: neighbours in time err alike (correlation "
        f"{found.correlation:.2f}, p {found.p:.2g}), so that stretches of {wider.length} rows count as one"
    )


def _errors(output: Output, part: InTime, i: int) -> np.ndarray:
    """Return signed errors of the rows, or where there is a rival how much worse than its the squared ones are."""

    def signed(prediction: np.ndarray) -> np.ndarray:
        if output.targetless:
            return np.asarray(metric_of(output).each(part.truths[i], prediction), np.float64)  # type: ignore[attr-defined]
        truth = output.plain(np.asarray(part.truths[i]))
        if output.joint:  # the mean over labels or entries, each in its own spread
            spread = truth.std(axis=0)
            gaps = (truth - prediction) / np.where(spread > 0, spread, 1.0)
            return np.asarray(gaps.mean(axis=1), dtype=np.float64)
        if output.family == "values":
            return np.asarray(truth - prediction[:, 0], dtype=np.float64)
        codes = truth.astype(np.int64)
        if prediction.shape[1] == 2:
            return np.asarray(codes - prediction[:, 1], dtype=np.float64)
        return np.asarray(1 - prediction[np.arange(len(codes)), codes], dtype=np.float64)

    first = signed(part.predictions[i])
    return np.asarray(first**2 - signed(part.others[i]) ** 2) if part.others else first


def metric_of(output: Output) -> Metric:
    """Return the output's metric; the first hard gate: none is judged before it is chosen."""
    if output.metric is None:
        raise GateError(
            f"output {output.name!r} has no metric yet",
            rule="a metric is chosen before any model is fitted",
            found="explore has frozen none",
            do="run explore",
        )
    return output.metric


def measure(model: Model, rows: Sequence[Mapping[str, Any]], draft: bool = False) -> tuple[float, float]:
    """Return (size [MB], single-row latency, median [ms]) of a model, written to a temporary folder and loaded back.

    Args:
        rows: raw rows as mappings.
        draft: measure without ONNX graphs, which are slow to make: an upper bound.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        model.save(folder, draft)
        return weigh(folder, rows, model.find)


def weigh(folder: Path, rows: Sequence[Mapping[str, Any]], find: Find) -> tuple[float, float]:
    """Return (size [MB], single-row latency, median [ms]) of a model folder."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    model = Model.load(folder, find)
    times = []
    for row in [*rows[:5], *rows[:LATENCY_ROWS]]:
        started = time.perf_counter()
        model.predict_rows([row])
        times.append(time.perf_counter() - started)
    return size, 1000 * statistics.median(times[min(5, len(rows)) :])


def greater_is_better(problem: Problem, entry: Mapping[str, Any]) -> float:
    """Return an entry's first score with its sign turned so that greater is better."""
    value = entry["scores"][0]["value"]
    value = float("nan") if value is None else float(value)
    value = value if metric_of(problem.output).greater_is_better else -value
    return value if np.isfinite(value) else -np.inf


def within_limits(problem: Problem, entry: Mapping[str, Any]) -> bool:
    """Return True when a candidate keeps the problem's limits, by measurement."""
    limits = problem.limits
    slow = limits.latency_ms is not None and (entry.get("latency_ms") or 0.0) > limits.latency_ms
    large = limits.megabytes is not None and (entry.get("megabytes") or 0.0) > limits.megabytes
    return not slow and not large


SIMPLICITY = ("trivial", "simple", "boosting", "forest", "network", "ensemble")


def ranked(problem: Problem, entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return entries, the best first; those over the limits come last."""
    return sorted(entries, key=lambda entry: (not within_limits(problem, entry), -greater_is_better(problem, entry)))


def preferred(problem: Problem, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the entry to choose: the best; where the purpose is to understand, the simplest within one standard error of it.

    The standard error is taken from the best entry's interval.

    Source:
        the one-standard-error rule: Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", section 7.10.
    """
    order = ranked(problem, entries)
    best = order[0]
    low, high = best["scores"][0]["interval"]
    if problem.purpose != "understand" or low is None or high is None:
        return best
    least = greater_is_better(problem, best) - (high - low) / 3.92
    able = [
        e
        for e in order
        if within_limits(problem, e) and e["kind"] != "trivial" and greater_is_better(problem, e) >= least
    ]
    return min(
        able or [best],
        key=lambda entry: SIMPLICITY.index(entry["kind"]) if entry["kind"] in SIMPLICITY else len(SIMPLICITY),
    )
