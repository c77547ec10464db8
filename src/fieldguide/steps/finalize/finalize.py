"""Finalize: refit the chosen candidate on all development rows, open the seal once, judge the packaged model, write it.

The only step that is handed the sealed rows, and only after everything is frozen: candidate, weights, thresholds. It judges
what will be shipped: the answers of the packaged `Model` to raw rows, not of something like it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench, refitted
from fieldguide.core.candidate import Blend, Predictor
from fieldguide.core.contracts import Predictions, Threshold
from fieldguide.core.figures import span
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import InTime, calibratable, difference, judge, metric_of, readable
from fieldguide.core.model import Model
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.score import told
from fieldguide.core.seeds import seed_for
from fieldguide.core.series.panel import Examples
from fieldguide.core.slices import slice_gap, slice_scores
from fieldguide.core.space import Reference
from fieldguide.core.statistics.operating_point import operating_point
from fieldguide.core.statistics.weighting import mean_one
from fieldguide.steps.checking import checked
from fieldguide.steps.finalize.doubts import Judged, doubted, spanned
from fieldguide.steps.finalize.outputs import drawn, output_facts
from fieldguide.steps.finalize.promise import declined, in_time
from fieldguide.steps.finalize.series import forecast_facts
from fieldguide.steps.finalize.targetless import counted, opening, targetless_facts
from fieldguide.steps.refine.blend import Blended
from fieldguide.steps.refine.weak_slices import judged_again, judged_of


@dataclass(frozen=True)
class Sealed:
    """The sealed rows, opened.

    Shape:
        rows: features and truths of the test rows
        blocks, keys: (rows,) unit ids, content hashes of the features
        slices: name to (rows,) bool
        weak: the same for the slices that refine found weak on validation rows

    Args:
        found: what refine said of them.
        times: (rows,) microseconds since 1970, where the study is chronological.
    """

    rows: Rows
    blocks: np.ndarray
    keys: np.ndarray
    slices: Mapping[str, np.ndarray]
    weak: Mapping[str, np.ndarray] = field(default_factory=dict)
    found: Sequence[Mapping[str, Any]] = ()
    times: np.ndarray | None = None


def refit(bench: Bench, chosen: Blended, rows: Rows) -> Predictor:
    """Fit the chosen members on all development rows, for the steps their evaluations found best.

    No clock stops a refit: its steps are known, and refine chose only members whose refits fit the time.
    """
    fitted = [
        refitted(bench, counted(bench, member), rows, seed_for(bench.seed, "refit", i))
        for i, member in enumerate(chosen.members)
    ]
    return fitted[0] if len(fitted) == 1 else Blend(tuple(fitted), chosen.weights)


def finalize(
    bench: Bench, model: Model, chosen: Mapping[str, Any], bar: Model, bar_entry: Mapping[str, Any], sealed: Sealed,
    looks: Sequence[Mapping[str, Any]], optimism: float, n_refit: int, n_shipped: int, *,
    past: InTime | None = None, outlook: Mapping[str, Any] | None = None, discrimination: Mapping[str, Any] | None = None,
    explored: Sequence[Finding] = (),
    examples: Examples | None = None, test: np.ndarray | None = None, keep: Callable[[Predictions], None] | None = None,
    reference: Reference | None = None,
) -> tuple[Model, dict[str, Any], tuple[Finding, ...]]:  # fmt: skip
    """Judge the packaged model and the packaged bar on the sealed rows.

    Args:
        model, bar: packaged and refitted; thresholds frozen.
        chosen, bar_entry: their leaderboard entries.
        looks: every opening of this seal, this one last: {time, reason, by}.
        optimism: of the search that chose, in units of the metric.
        n_refit: rows the judged model was refitted on.
        n_shipped: rows the shipped model is fitted on: more than `n_refit` where the newest are learned from once judged.
        past: validation rows in time with their answers, for intervals; None without time.
        outlook: what development rows say of drift (`steps.finalize.promise`).
        examples, test: of a forecast: its examples, and which of them are sealed; the facts then have `forecasts` (`steps.finalize.series`).
        reference: without a target, the space that rows are points of; the facts then have `structure` (`steps.finalize.targetless`).
        keep: is handed the model's answers to the sealed rows, once they are there.
        explored: findings of explore, which say in what the rows to come may differ (`steps.finalize.doubts`).
        discrimination: how well sealed rows are told from development rows, as split found it.

    Returns:
        the model with its evidence, facts (scores, calibration, slices, difference, cost; `declined` where the score is measured
        and not promised) and findings FG801 to FG815.
    """
    problem = bench.problem
    answers = model.predictor.predict(sealed.rows.cells, len(sealed.rows))
    if keep is not None:
        keep(answers)
    bar_answers = bar.predictor.predict(sealed.rows.cells, len(sealed.rows))
    judged, against = _judged(bench, model, answers, bar, bar_answers, sealed, past, n_looks=len(looks))
    doubts = doubted(
        bench, explored, Judged(sealed.rows, answers, sealed.keys, sealed.blocks, sealed.times), model.predictor.predict, model.thresholds[0]
    ) if not problem.output.joint else []  # fmt: skip
    judged["scores"] = [spanned(judged["scores"][0], doubts), *judged["scores"][1:]]
    facts = {
        "sentence": "", "chosen": chosen["candidate"], "members": chosen.get("members", []), **judged,
        "validation": chosen["scores"], "optimism": optimism, "slices": _slices(bench, sealed, answers, model.thresholds),
        "weak_slices": [] if problem.output.targetless else _weak_slices(bench, sealed, answers, model.thresholds),
        "difference": {"chosen": chosen["candidate"], "bar": bar_entry["candidate"], **against},
        "doubts": doubts, "looks": [dict(look) for look in looks], "n_refit": n_refit, "n_shipped": n_shipped, "sampled": sampled_of(model.predictor, n_refit),
        "operating": _operating(problem.output, sealed.rows, answers[0], model.thresholds[0]),
        "cost": _decision_cost(problem.costs, sealed.rows, answers[0], model.thresholds[0]),
        "predictions": _drawn(bench, sealed, answers, model.thresholds[0]),
        "outputs": output_facts(
            bench, sealed.rows.truths, answers, model.thresholds, bar_answers, bar.thresholds, sealed.blocks, sealed.slices,
            sealed.rows.score_weights,
        ) if problem.output.task.name != "forecast" and not problem.output.targetless else [],
    }  # fmt: skip
    if reference is not None:
        facts["structure"] = targetless_facts(
            bench, model, bar, sealed.rows, answers[0], bar_answers[0], sealed.blocks, reference
        )
    if examples is not None and test is not None:
        truth, interval = sealed.rows.truths[0], model.evidence["interval"]
        facts["forecasts"] = forecast_facts(
            examples, test, truth, answers[0], sealed.blocks, interval, seed=bench.seed
        )  # fmt: skip
    facts |= _promised(bench, judged, answers, sealed, outlook)
    facts["sentence"] = _sentence(facts, len(looks))
    findings = checked("finalize", problem=problem, facts={**facts, "discrimination": discrimination})
    evidence = {
        **model.evidence, "fitted_on": {"judged": n_refit, "shipped": n_shipped}, "scores": judged["scores"],
        "looks": facts["looks"], "findings": [f.to_dict() for f in findings if f.fired],
    }  # fmt: skip
    return replace(model, evidence=evidence), facts, findings


def _judged(
    bench: Bench, model: Model, answers: Any, bar: Model, bar_answers: Any, sealed: Sealed, past: InTime | None, *, n_looks: int
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """Return how the model's answers to the sealed rows are judged, and how they differ from those of the bar."""
    truths, output = sealed.rows.truths, bench.problem.output
    judged = judge(
        bench.problem, truths, answers, sealed.blocks, seed=bench.seed, rows="test", looks=n_looks,
        thresholds=model.thresholds, times=sealed.times, past=past, weights=sealed.rows.score_weights,
    )  # fmt: skip
    against = difference(
        output, truths[0], answers[0], bar_answers[0], sealed.blocks, seed=bench.seed,
        thresholds=(model.thresholds[0], bar.thresholds[0]), times=sealed.times, past=past, weights=sealed.rows.score_weights,
    )  # fmt: skip
    return judged, against


def _promised(
    bench: Bench, judged: Mapping[str, Any], answers: Any, sealed: Sealed, outlook: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what is said of the score along time: the halves of the sealed rows, and why it is not promised."""
    if sealed.times is None:
        return {}
    truth, threshold = sealed.rows.truths[0], judged["thresholds"][0]
    weights = sealed.rows.score_weights
    found: dict[str, Any] = {
        "in_time": in_time(bench, truth, answers[0], threshold, sealed.blocks, sealed.times, weights)
    }
    if outlook is not None and outlook["drifts"]:
        found["declined"] = declined(bench, judged["scores"][0], sealed.times, outlook)
    return found


def sampled_of(predictor: Any, n_refit: int) -> dict[str, int]:
    """Return the members that cannot take as many rows as there were, with the random sample they were fitted on [rows]."""
    members = getattr(predictor, "members", (predictor,))
    return {m.candidate.name: m.n_fit for m in members if 0 < m.n_fit < n_refit}


def _sentence(facts: Mapping[str, Any], looks: int) -> str:
    """Return what was found in one line: the score, and what it does not promise."""
    first, *others = facts["scores"]
    before = opening(facts["structure"]) if "structure" in facts else ""
    more = "".join(f"; {s['output']} {told(s).removesuffix(' rows').rpartition(' on ')[0]}" for s in others)
    if "sampling" in first:
        more += f"; sampling alone gives {span(first['sampling'])}, the rest is doubt (FG814)"
    if "declined" in facts:
        more += f"; not promised for the future: {facts['declined']['why']}"
    for name, n_fit in facts["sampled"].items():
        more += f"; {name} learned from a random {n_fit:,} of {facts['n_refit']:,} rows"
    return f"{before}{facts['chosen']}: test {told(first).removesuffix(' rows')} sealed rows, look {looks}{more}"


def _slices(bench: Bench, sealed: Sealed, answers: Any, thresholds: Sequence[Threshold]) -> list[dict[str, Any]]:
    output, metric = bench.problem.output, metric_of(bench.problem.output)
    if not sealed.slices:
        return []
    truth = sealed.rows.truths[0]
    read = readable(output, answers[0], metric, thresholds[0])
    calibrated = calibratable(output, answers[0])
    how: dict[str, Any] = {"seed": bench.seed, "weights": sealed.rows.score_weights}
    found = slice_scores(metric, truth, read, sealed.slices, sealed.blocks, calibrated=calibrated, **how)
    gap = slice_gap(metric, truth, read, sealed.slices, sealed.blocks, **how)
    facts = [part.to_dict() for part in found]
    return [*facts, {"gap": gap.to_dict()}] if gap is not None else facts


def _weak_slices(bench: Bench, sealed: Sealed, answers: Any, thresholds: Sequence[Threshold]) -> list[dict[str, Any]]:
    """Judge the slices that were found weak on validation rows, each by its output: here nothing is searched."""
    outputs = bench.problem.outputs
    found = []
    for part in sealed.found:
        i = next((i for i, output in enumerate(outputs) if output.name == part.get("output")), 0)
        judged = judged_of(
            outputs[i], sealed.rows.truths[i], answers[i], thresholds[i], sealed.blocks, sealed.rows.score_weights
        )
        found += judged_again(judged, [part], sealed.weak, seed=bench.seed)
    return found


def _decision_cost(
    costs: Mapping[str, float], rows: Rows, prediction: np.ndarray, threshold: Threshold
) -> dict[str, Any] | None:
    """Return what decisions cost; with row weights a row counts as what it weighs, 1 on average."""
    if not costs or prediction.shape[1] != 2:
        return None
    truth, weights = rows.truths[0], rows.score_weights
    cut = threshold if isinstance(threshold, float) else 0.5
    decided = prediction[:, 1] >= cut
    wrong = decided & (truth == 0), ~decided & (truth == 1)
    false_positive, false_negative = (
        int(mask.sum()) if weights is None else float(mean_one(weights) @ mask) for mask in wrong
    )
    total = costs.get("false_positive", 1.0) * false_positive + costs.get("false_negative", 1.0) * false_negative
    return {
        "threshold": cut, "false_positives": false_positive, "false_negatives": false_negative, "total": total,
        "per_row": total / len(truth), "n": len(truth),
    }  # fmt: skip


def _operating(output: Output, rows: Rows, prediction: np.ndarray, threshold: Any) -> dict[str, Any] | None:
    """Recall and precision of a binary output at its threshold, with intervals."""
    if output.family != "binary":
        return None
    cut = 0.5 if threshold is None else threshold
    return operating_point(rows.truths[0], prediction[:, 1], cut, rows.score_weights)


def _drawn(bench: Bench, sealed: Sealed, answers: Any, threshold: Threshold) -> dict[str, Any]:
    """What the report draws of the first output."""
    output = bench.problem.output
    if output.task.name == "forecast" or output.targetless:  # drawn from `forecasts` and `structure`
        return {}
    found = drawn(output, sealed.rows.truths[0], answers[0], threshold, sealed.rows.score_weights)
    return {} if output.joint else found  # told label by label, entry by entry, in `outputs`
