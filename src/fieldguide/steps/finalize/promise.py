"""Promise: may the sealed score be promised for the future? Whether the relation drifts, and whether the sealed rows are of a piece.

The outlook is taken from development rows, before the seal is opened, and only a chronological study has one. What is said of
the sealed rows themselves (`in_time`) is measured beside the score. Fits and cells are `steps.recency`'s and `core.statistics.decay`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import mixed, original_scale
from fieldguide.core.figures import number, span
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import InTime, along_time, metric_of, ranked, readable
from fieldguide.core.score import score
from fieldguide.core.statistics.dependence import widened
from fieldguide.steps.recency import answers_of, decay_of
from fieldguide.steps.refine.blend import Blended

DRIFT = "FG324"
"""The check of explore whose evidence opens the question: a model of earlier rows explains later ones reliably worse."""
N_PERIODS = 6
SURE = 0.05
"""One-sided p-value below which the decay curve confirms a drift that FG324 calls small."""
APART = 2.576
"""Standard errors by which the halves of the sealed rows must differ."""
FEWEST_IN_HALF = 50
QUICK = ("boosting", "simple")


def past_of(bench: Bench, chosen: Blended, bar: Trial) -> InTime | None:
    """Return the validation rows in time with what the chosen answer and the bar said of them; None without time."""
    rows = chosen.members[0].rows
    times = bench.times(rows)
    if times is None or any(len(member.rows) != len(rows) for member in chosen.members):
        return None
    outputs = bench.problem.outputs
    own = original_scale(mixed([member.raw for member in chosen.members], chosen.weights), outputs)
    beside = original_scale(bar.raw, outputs) if np.array_equal(bar.rows, rows) else ()
    return InTime(times, bench.roles.blocks[rows], bench.truths(rows), own, beside, bench.weights(rows))


def outlook(bench: Bench, entries: Iterable[Mapping[str, Any]], findings: Iterable[Finding]) -> dict[str, Any] | None:
    """Return what development rows say of a drift of the relation, or None where they say nothing of one.

    Args:
        entries: of the leaderboard; the quickest boosting among them (else the quickest simple one) is fitted at increasing age. It
            is the data that age, and where they do, what was chosen may be too slow to fit often, or to have learned nothing.
        findings: explore's; FG324 among them, fired, opens the question.

    Returns:
        drifts (whether the score cannot be promised), loss and its interval (FG324), period [microseconds], decay {age, value, interval,
        p} (added loss by age in periods); None without time or without FG324.
    """
    found = next(
        (f for f in findings if f.code == DRIFT and f.fired and f.columns[:1] == (bench.problem.output.name,)), None
    )
    times = bench.roles.times
    if found is None or times is None:
        return None
    able = [e for e in ranked(bench.problem, list(entries)) if e["kind"] in QUICK and e["whole"]]
    able.sort(key=lambda entry: (QUICK.index(entry["kind"]), entry["seconds"]))
    trial = bench.remembered(able[0]) if able else None
    aged = None if trial is None else decay_of(
        metric_of(bench.problem.output), bench.rows.truths[0], times, bench.roles.blocks, answers_of(bench, trial), N_PERIODS, seed=bench.seed,
        weights=bench.rows.score_weights,
    )  # fmt: skip
    decay = [{"age": age, **estimate.to_dict()} for age, estimate in enumerate(aged[1], 1)] if aged else []
    overall = aged[2] if aged else None
    falls = overall is not None and overall.value > 0
    drifts = (
        falls and (found.severity == "warning" or overall.p < SURE)
        if overall is not None
        else found.severity == "warning"
    )
    return {
        "drifts": bool(drifts), "loss": found.evidence["loss"], "loss_interval": list(found.evidence["interval"]), "from": found.evidence["from"],
        "period": aged[0] if aged else None, "decay": decay, "overall": overall.to_dict() if overall is not None else None, "candidate": trial.name if trial is not None else None,
    }  # fmt: skip


def declined(bench: Bench, scores: Mapping[str, Any], times: np.ndarray, seen: Mapping[str, Any]) -> dict[str, Any]:
    """Return why a score is not promised: the sentence, what was measured, and the range to expect of the next such period.

    The range holds two cases: the model that serves is as old then as the judged one was (refitted in time), and it is older by
    the length of the sealed period (never refitted), at the pace of the decay curve. A drift that speeds up leaves it.

    Shape:
        times: (rows,) of the sealed rows [microseconds]
    """
    metric = metric_of(bench.problem.output)
    value, (low, high) = scores["value"], scores["interval"]
    length = float(np.ptp(times))
    measured = {
        "value": value,
        "interval": [low, high],
        "from": _day(times.min()),
        "to": _day(times.max()),
        "n": scores["n"],
    }
    forecast = None
    aged = [
        step
        for step in seen["decay"]
        if step["age"] > 1 and step["value"] is not None and step["interval"][1] is not None
    ]
    if aged and None not in (value, low, high) and seen["period"]:
        step = aged[-1]
        pace = length / seen["period"] / (step["age"] - 1)
        added = max(0.0, step["interval"][1] * pace)
        ends = (low - added, high) if metric.greater_is_better else (low, high + added)
        least, most = sorted((metric.best, metric.worst))
        forecast = {
            "low": max(least, ends[0]), "high": min(most, ends[1]), "added": max(0.0, step["value"] * pace),
            "days": length / 86_400e6,
        }  # fmt: skip
    loss, (a, b) = seen["loss"], seen["loss_interval"]
    why = (
        f"the relation of features and target drifts: on development rows from {seen['from']} on, a model of the earlier rows explains "
        f"{100 * loss:.0f} % [{100 * a:.0f}, {100 * b:.0f}] less of the target's variance than one of their own time"
    )
    overall = seen["overall"]
    if overall is not None:
        c, d = overall["interval"]
        why += f"; on average over ages up to {len(seen['decay'])} periods {metric.title} gets worse by {number(overall['value'], 3)} {span((c, d), 3)}"
    return {"why": why, "measured": measured, "forecast": forecast, "decay": seen["decay"]}


def in_time(bench: Bench, truth: np.ndarray, prediction: np.ndarray, threshold: float | None, blocks: np.ndarray, times: np.ndarray, weights: np.ndarray | None = None) -> dict[str, Any] | None:  # fmt: skip
    """Return the score of the first and second half of the sealed rows, and their difference with its interval at 99 %.

    Returns:
        None where a half holds fewer than 50 rows.
    """
    output, metric = bench.problem.output, metric_of(bench.problem.output)
    cut = np.sort(times)[len(times) // 2]
    parts = (np.flatnonzero(times < cut), np.flatnonzero(times >= cut))
    if min(len(part) for part in parts) < FEWEST_IN_HALF:
        return None
    read = readable(output, prediction, metric, threshold)
    wider, _ = along_time(
        output, 0, metric, threshold, InTime(times, blocks, (truth,), (prediction,), weights=weights), None, bench.seed
    )
    halves: list[dict[str, Any]] = []
    for part in parts:
        own = None if weights is None else weights[part]
        value, interval = score(metric, truth[part], read[part], blocks[part], bench.seed, 400, own)
        interval = widened(value, interval, wider, metric.best, metric.worst)
        halves.append({
            "value": value, "interval": list(interval), "n": len(part), "from": _day(times[part].min()), "to": _day(times[part].max())
        })  # fmt: skip
    if not all(math.isfinite(number) for half in halves for number in (half["value"], *half["interval"])):
        return None
    sign = 1.0 if metric.greater_is_better else -1.0
    change = sign * (halves[1]["value"] - halves[0]["value"])
    error = math.hypot(*((half["interval"][1] - half["interval"][0]) / 3.92 for half in halves))
    return {"halves": halves, "change": change, "interval": [change - APART * error, change + APART * error]}


def _day(time: Any) -> str:
    return str(np.datetime64(int(time), "us").astype("datetime64[s]")).removesuffix("T00:00:00")
