"""Imbalance: what each remedy for a rare class buys, one candidate and the same rows throughout.

Takes the bench and a candidate of a binary problem. Compared are the candidate as it is, class weights, resampling of training
rows, and the focal loss where it is a network; each cut at a half and at the threshold its costs or target call for, before and
after calibration. Thresholds and calibrators are learned without the unit they judge. No sealed row is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench, Forgetful, Trial
from fieldguide.core.candidate import Candidate, original_scale
from fieldguide.core.clock import Clock
from fieldguide.core.errors import StudyError
from fieldguide.core.figures import number, percent, span
from fieldguide.core.finding import Finding
from fieldguide.core.seeds import generator
from fieldguide.core.settings import with_values
from fieldguide.core.statistics.bootstrap import resampled
from fieldguide.core.statistics.operating_point import cost_curve, operating_point, threshold_to_reach
from fieldguide.core.statistics.threshold import best_threshold
from fieldguide.core.statistics.weighting import effective_size
from fieldguide.parts import find
from fieldguide.steps.refine.calibrate import cross_fitted, quality

PARTS = 5
REPLICATES = 1_000


@dataclass(frozen=True)
class _Judge:
    """What every remedy is judged on.

    Shape:
        truth, blocks, weights: (rows,); weights None where rows count alike
    """

    bench: Bench
    truth: np.ndarray
    blocks: np.ndarray
    costs: Mapping[str, float]
    weights: np.ndarray | None = None


def imbalance(bench: Bench, base: Trial, clock: Clock) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Measure the remedies.

    Args:
        base: the candidate's trial; its own balance is undone for "as it is".
        clock: time for all remedies together.

    Returns:
        facts (sentence, costs, share, remedies with scores, operating points, paired gains and cost curves), no findings.

    Raises:
        StudyError: the problem is not binary.
    """
    output = bench.problem.output
    if output.family != "binary":
        raise StudyError(
            f"the remedies for imbalance are compared for binary outputs, and {output.name!r} is {output.task.name}",
            rule="one label is rare, and a threshold decides",
            found=f"the task of {output.name!r} is {output.task.name}",
            do="set problem.imbalance, and compare the studies",
        )  # fmt: skip
    trials = dict(_trials(bench, base, clock))
    rows = base.rows
    for trial in trials.values():
        rows = np.intersect1d(rows, trial.rows)
    truth = bench.truths(rows)[0]
    weights = bench.weights(rows)
    share = float(np.average(truth, weights=weights))
    if share in (0.0, 1.0):
        raise StudyError(
            f"the remedies for imbalance cannot be compared on these rows of {output.name!r}",
            rule="both labels stand among the rows that are judged",
            found=f"{len(truth):,} rows, all of them {output.labels[int(share)]!r}", do="take more rows, or fewer folds",
        )  # fmt: skip
    stated = dict(bench.problem.costs)
    costs = stated or {"false_positive": 1.0, "false_negative": (1.0 - share) / share}
    judge = _Judge(bench, truth, bench.roles.blocks[rows], costs, weights)
    remedies, losses = [], {}
    for name, trial in trials.items():
        raw = tuple(p[np.isin(trial.rows, rows)] for p in trial.raw)
        facts, losses[name] = _judged(judge, original_scale(raw, bench.problem.outputs)[0])
        remedies.append({"remedy": name, "seconds": trial.entry["seconds"], **facts})
    for facts in remedies:
        own, plain = losses[facts["remedy"]], losses["as it is"]
        facts["gain"] = {
            "over_a_half": _gain(plain["half"], own["threshold"], judge), "over_the_threshold": _gain(plain["threshold"], own["threshold"], judge),
        }  # fmt: skip
    found = {
        "candidate": base.name, "output": output.name, "labels": list(output.labels), "n": len(rows), "share": share,
        **({} if weights is None else {"weighted": {"effective": effective_size(weights, judge.blocks)}}),
        "costs": costs, "stated": bool(stated), "target": dict(bench.problem.decide), "remedies": remedies,
    }  # fmt: skip
    return {"sentence": _sentence(found), **found}, ()


def _trials(bench: Bench, base: Trial, clock: Clock) -> Iterator[tuple[str, Trial]]:
    recipe, learner = base.candidate.recipe, base.candidate.learner
    ways = ("none", "weights", "oversample", "undersample")
    focal = base.candidate.kind == "network"
    if bench.problem.output.loss is not None:  # the task's own loss is what remedies are compared with
        bench = _with_loss(bench, None)
    for place, way in enumerate(ways):
        candidate = Candidate(f"{base.name}, {way}", learner, with_values(recipe, {"balance": way}))
        part = clock.share(1 / (len(ways) + focal - place))
        yield ("as it is" if way == "none" else way), bench.attempt(candidate, part)
    if focal:
        candidate = Candidate(f"{base.name}, focal", learner, with_values(recipe, {"balance": "none"}))
        yield "focal loss", _with_loss(bench, find("losses", "focal")()).attempt(candidate, clock)


def _with_loss(bench: Bench, loss: Any) -> Bench:
    """Return the bench with another loss; its ledger keys trials without the loss, so nothing of these is kept."""
    outputs = (replace(bench.problem.output, loss=loss), *bench.problem.outputs[1:])
    return replace(bench, problem=replace(bench.problem, outputs=outputs), ledger=Forgetful())


def _judged(judge: _Judge, prediction: np.ndarray) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return facts of a remedy, and the cost of each row when cut at a half and at the learned threshold."""
    bench, truth, blocks, weights = judge.bench, judge.truth, judge.blocks, judge.weights
    output, positive = bench.problem.output, prediction[:, 1]
    calibrator = find("calibrators", "temperature")(bias=True)
    again = cross_fitted(calibrator, truth, prediction, blocks, bench.seed, weights)
    called, threshold = _decided(judge, positive)
    rows = {"half": _costs(judge, positive >= 0.5), "threshold": _costs(judge, called)}
    facts = {
        "average_precision": find("metrics", "average_precision")().score(truth, prediction, weights),
        "calibration": {
            "before": quality(output, truth, prediction, blocks, bench.seed, weights), "after": quality(output, truth, again, blocks, bench.seed, weights)
        },
        "at_a_half": {**_point(truth, positive >= 0.5, weights), "threshold": 0.5, "cost": float(np.average(rows["half"], weights=weights))},
        "at_the_threshold": {**_point(truth, called, weights), "threshold": threshold, "cost": float(np.average(rows["threshold"], weights=weights))},
        "curve": cost_curve(truth, positive, judge.costs, weights=weights),
        "curve_calibrated": cost_curve(truth, again[:, 1], judge.costs, weights=weights),
    }  # fmt: skip
    return facts, rows


def _decided(judge: _Judge, positive: np.ndarray) -> tuple[np.ndarray, float]:
    """Return decisions, each by a threshold learned without its unit, and the threshold learned on all rows.

    Shape:
        positive: (rows,)
        returns: (rows,) bool
    """
    units, which = np.unique(judge.blocks, return_inverse=True)
    part = (generator(judge.bench.seed, "threshold").permutation(len(units)) % PARTS)[which]
    called = positive >= 0.5
    for place in range(PARTS):
        inside = part == place
        if inside.any() and len(np.unique(judge.truth[~inside])) > 1:
            called[inside] = positive[inside] >= _threshold(judge, positive, ~inside)
    return called, _threshold(judge, positive, np.ones(len(part), bool))


def _threshold(judge: _Judge, positive: np.ndarray, rows: np.ndarray) -> float:
    target, truth, positive = judge.bench.problem.decide, judge.truth[rows], positive[rows]
    weights = None if judge.weights is None else judge.weights[rows]
    if target:
        return threshold_to_reach(truth, positive, target, weights).threshold
    return best_threshold(truth, positive, costs=judge.costs, weights=weights).threshold


def _point(truth: np.ndarray, called: np.ndarray, weights: np.ndarray | None) -> dict[str, Any]:
    found = operating_point(truth, called.astype(np.float64), 0.5, weights)
    return {name: found[name] for name in ("recall", "precision")}


def _costs(judge: _Judge, called: np.ndarray) -> np.ndarray:
    wrong = called != (judge.truth == 1)
    per_row: np.ndarray = wrong * np.where(called, judge.costs["false_positive"], judge.costs["false_negative"])
    return per_row


def _gain(before: np.ndarray, after: np.ndarray, judge: _Judge) -> dict[str, Any]:
    """Return what a row costs less, with the interval of the paired difference.

    Shape:
        before, after: (rows,)
    """
    saved = (before - after).astype(np.float64)

    def statistic(drawn: np.ndarray) -> np.ndarray:
        totals: np.ndarray = drawn.astype(np.float64) @ saved / drawn.sum(1)
        return totals

    interval = resampled(statistic, judge.blocks, judge.bench.seed, REPLICATES, weights=judge.weights).interval
    return {"value": float(np.average(saved, weights=judge.weights)), "interval": list(interval)}


def _sentence(found: Mapping[str, Any]) -> str:
    plain = found["remedies"][0]
    if found["target"]:
        ((name, wanted),) = found["target"].items()
        other = "precision" if name == "recall" else "recall"
        rates = {facts["remedy"]: facts["at_the_threshold"][other]["value"] or 0.0 for facts in found["remedies"]}
        best = max(rates, key=lambda remedy: rates[remedy])
        return (
            f"at the threshold for a {name} of {percent(wanted, 0)}, {found['candidate']} has a {other} of {percent(rates['as it is'], 1)} as it is; "
            f"the highest is that of {best!r}, {percent(rates[best], 1)}"
        )
    alone = plain["gain"]["over_a_half"]
    rest = found["remedies"][1:]
    best = max(rest, key=lambda facts: facts["gain"]["over_the_threshold"]["value"])
    gain = best["gain"]["over_the_threshold"]
    told = gain["interval"][0] > 0
    moved = "" if alone["interval"][0] > 0 else " (not told from nothing)"
    row = "weighted row" if "weighted" in found else "row"
    unit = (
        f"per {row}, in your costs"
        if found["stated"]
        else f"per {row}, a missed {found['labels'][1]!r} counted as {number(found['costs']['false_negative'], 3)} false ones"
    )
    return (
        f"moving the threshold of {found['candidate']} saves {number(alone['value'])} {span(alone['interval'])}{moved} {unit}; "
        f"the best further remedy is {best['remedy']}: {number(gain['value'], sign=True)} {span(gain['interval'])} beyond it"
        + ("" if told else ", which cannot be told from nothing")
    )
