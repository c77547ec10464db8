"""Intervals: a low and a high quantile of every row by the pinball loss, and how often the truth lies between them.

Takes the bench and a candidate that can minimise the pinball loss. It is fitted twice on each fold, for the two quantiles; what its
intervals cover is counted on the validation rows, and again after they were widened or narrowed by what the other units showed
(conformalised quantile regression). No sealed row is read.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench, Forgetful, Trial
from fieldguide.core.candidate import Candidate, original_scale
from fieldguide.core.clock import Clock
from fieldguide.core.errors import ConfigError, StudyError
from fieldguide.core.figures import number, percent
from fieldguide.core.finding import Finding
from fieldguide.core.seeds import generator
from fieldguide.core.statistics.bootstrap import resampled, wilson
from fieldguide.core.statistics.weighting import effective_size
from fieldguide.parts import find

PARTS = 5


def able(learner: Any) -> bool:
    """Return whether a learner can minimise the pinball loss: networks can, and those that say so."""
    return learner.kind == "network" or "pinball" in getattr(learner, "losses", ())


def intervals(bench: Bench, base: Trial, level: float, clock: Clock) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Predict intervals and count what they cover.

    Args:
        base: the candidate, with its settings.
        level: share of rows that should lie inside, in (0, 1).
        clock: time for both quantiles together.

    Returns:
        facts (coverage with interval, share below and above, mean and median width, before and after conformalising; the
        sentence), no findings.

    Raises:
        ConfigError: the level is no share.
        StudyError: the target is not one number, or the candidate has no pinball loss.

    Source:
        Koenker and Bassett (1978), Regression Quantiles; Romano, Patterson, Candès (2019), Conformalized Quantile Regression.
    """
    output = bench.problem.output
    if not 0 < level < 1:
        raise ConfigError(
            f"the level is {level:g}", rule="a level is a share between 0 and 1", found=f"{level:g}", do="try 0.9"
        )
    if output.family != "values" or output.codes_more:
        raise StudyError(
            f"intervals are of numbers, and {output.name!r} is {output.task.name}",
            rule="quantiles need a target that is one number",
            found=f"the task of {output.name!r} is {output.task.name}",
            do="ask for intervals in a study whose target is a number",
        )
    if not able(base.candidate.learner):
        raise StudyError(
            f"{base.name} cannot learn quantiles",
            rule="boosting and networks minimise the pinball loss",
            found=f"the learner {base.candidate.learner.name} has a loss of its own",
            do="name one by --candidate",
        )
    ends, rows = [], base.rows
    quantiles = ((1 - level) / 2, (1 + level) / 2)
    for place, quantile in enumerate(quantiles):
        trial = _at(bench, base, quantile, clock.share(1 / (2 - place)))
        rows = np.intersect1d(rows, trial.rows)
        ends.append(trial)
    low, high = (
        original_scale(tuple(p[np.isin(t.rows, rows)] for p in t.raw), bench.problem.outputs)[0][:, 0] for t in ends
    )
    truth, blocks = bench.truths(rows)[0], bench.roles.blocks[rows]
    crossed = float((low > high).mean())
    low, high = np.minimum(low, high), np.maximum(low, high)
    weights = bench.weights(rows)
    margin = margins(truth, low, high, blocks, level, bench.seed, weights)
    facts = {
        "candidate": base.name, "output": output.name, "level": level, "quantiles": list(quantiles), "n": len(rows), "crossed": crossed,
        **({} if weights is None else {"weighted": {"effective": effective_size(weights, blocks)}}),
        "before": covered(truth, low, high, blocks, bench.seed, weights), "after": covered(truth, low - margin, high + margin, blocks, bench.seed, weights),
        "margin": float(np.mean(margin)), "seconds": sum(t.entry["seconds"] for t in ends),
        "examples": [
            {"truth": float(truth[i]), "low": float(low[i] - margin[i]), "high": float(high[i] + margin[i])}
            for i in np.linspace(0, len(rows) - 1, min(60, len(rows))).astype(int)
        ],
    }  # fmt: skip
    one, other = facts["before"], facts["after"]
    of_what = "validation rows" if weights is None else "validation rows, by weight"
    sentence = (
        f"intervals of {base.name} for {percent(level, 0)} cover {percent(one['coverage'], 1)} [{percent(one['interval'][0], 1)}, {percent(one['interval'][1], 1)}] of {len(rows):,} "
        f"{of_what}, {percent(other['coverage'], 1)} [{percent(other['interval'][0], 1)}, {percent(other['interval'][1], 1)}] once conformalised; median width {number(other['median_width'])}"
    )
    return {"sentence": sentence, **facts}, ()


def _at(bench: Bench, base: Trial, quantile: float, clock: Clock) -> Trial:
    loss = find("losses", "pinball")(quantile=quantile)
    outputs = (replace(bench.problem.output, loss=loss), *bench.problem.outputs[1:])
    other = replace(bench, problem=replace(bench.problem, outputs=outputs), ledger=Forgetful())
    return other.attempt(
        Candidate(f"{base.name}, quantile {quantile:g}", base.candidate.learner, base.candidate.recipe), clock
    )


def margins(
    truth: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    blocks: np.ndarray,
    level: float,
    seed: int,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Return by how much each row's interval is widened (or, below 0, narrowed), learned on the other units' rows.

    None is narrowed beyond its middle: an interval has no width below 0. With row weights the share is one of the weight.

    Shape:
        all: (rows,)
    """
    units, which = np.unique(blocks, return_inverse=True)
    part = (generator(seed, "intervals").permutation(len(units)) % PARTS)[which]
    outside = np.maximum(low - truth, truth - high)
    found = np.zeros(len(truth))
    for place in range(PARTS):
        inside, others = part == place, np.sort(outside[part != place])
        if weights is not None and inside.any():
            found[inside] = _reached(outside[~inside], weights[~inside], level)
        elif inside.any() and len(others):
            found[inside] = others[min(len(others) - 1, math.ceil(level * (len(others) + 1)) - 1)]
    narrowest: np.ndarray = np.maximum(found, (low - high) / 2)
    return narrowest


def _reached(outside: np.ndarray, weights: np.ndarray, level: float) -> float:
    """Return the smallest margin that holds a share `level` of the weight; 0 where nothing weighs.

    Source: Tibshirani, Foygel Barber, Candès, Ramdas (2019), Conformal Prediction Under Covariate Shift, with the new row's own
    weight taken as the mean.
    """
    order = np.argsort(outside, kind="stable")
    sums = np.cumsum(weights[order])
    if not len(sums) or sums[-1] <= 0:
        return 0.0
    place = int(np.searchsorted(sums, level * (sums[-1] + weights.mean()) * (1 - 1e-12)))
    return float(outside[order[min(place, len(sums) - 1)]])


def covered(
    truth: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    blocks: np.ndarray,
    seed: int,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return the share of rows inside with its interval over units, the shares below and above, and the widths.

    Shape:
        all: (rows,)

    Examples:
        >>> found = covered(np.array([1.0, 2.0, 9.0]), np.zeros(3), np.array([3.0, 3.0, 3.0]), np.arange(3), 0)
        >>> round(found["coverage"], 3), found["above"], found["median_width"]
        (0.667, 0.3333333333333333, 3.0)
    """
    inside = (truth >= low) & (truth <= high)
    hits = inside.astype(np.float64)
    if weights is not None:
        return _covered_weight(truth, low, high, blocks, seed, weights)
    if len(np.unique(blocks)) == len(blocks):
        interval = list(wilson(float(inside.sum()), len(inside)))
    else:
        interval = list(resampled(lambda w: w.astype(np.float64) @ hits / w.sum(1), blocks, seed, 500).interval)
    return {
        "coverage": float(inside.mean()), "interval": interval, "below": float((truth < low).mean()), "above": float((truth > high).mean()),
        "mean_width": float((high - low).mean()), "median_width": float(np.median(high - low)),
    }  # fmt: skip


def _covered_weight(
    truth: np.ndarray, low: np.ndarray, high: np.ndarray, blocks: np.ndarray, seed: int, weights: np.ndarray
) -> dict[str, Any]:
    """The same as shares and means of the weight."""

    def mean(values: np.ndarray) -> float:
        return float(np.average(values, weights=weights))

    hits, width = ((truth >= low) & (truth <= high)).astype(np.float64), high - low
    if len(np.unique(blocks)) == len(blocks):
        n = effective_size(weights)
        interval = list(wilson(mean(hits) * n, n))
    else:
        interval = list(resampled(lambda w: w @ hits / w.sum(1), blocks, seed, 500, weights=weights).interval)
    order = np.argsort(width, kind="stable")
    middle = width[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)]
    return {
        "coverage": mean(hits), "interval": interval, "below": mean(truth < low), "above": mean(truth > high), "mean_width": mean(width),
        "median_width": float(middle),
    }  # fmt: skip
