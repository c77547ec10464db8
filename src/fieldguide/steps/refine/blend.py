"""Blend: a weighted ensemble of what was tried, its entry on the leaderboard, and what refitting it takes.

Knows trials and their validation predictions; which candidates there are is `coach`'s and `search`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import mixed, original_scale
from fieldguide.core.leaderboard import greater_is_better, metric_of, readable, within_limits
from fieldguide.core.score import weights_for

MAX_MEMBERS = 5
ROUNDS = 25
EXPORT_SECONDS = 3.0
"""Time to write a network's ONNX graph and prove it equal [s]."""
EXPORTER_SECONDS = 5.0
"""Time to load torch's exporter, once [s]."""
REFIT_MARGIN = 1.4
"""Time kept for a refit over what it is expected to take."""


@dataclass(frozen=True)
class Blended:
    """A weighted ensemble of trials, learned on validation predictions and frozen before the refit."""

    members: tuple[Trial, ...]
    weights: tuple[float, ...]


def blend(bench: Bench, trials: Sequence[Trial], refit_seconds: float) -> Blended:
    """Choose members and weights by greedy forward selection with replacement on validation predictions.

    Members over the problem's limits, or whose refits together would not fit the time, are not taken.

    Source:
        Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004.
    """
    able = [t for t in trials if within_limits(bench.problem, t.entry)] or list(trials)
    order = sorted(able, key=lambda trial: -greater_is_better(bench.problem, trial.entry))[:12]
    best = order[0]
    if bench.problem.output.targetless:  # what two fits call 1 is not the same: there is no mean of them
        return Blended((best,), (1.0,))
    output, metric = bench.problem.output, metric_of(bench.problem.output)
    truth, own = bench.truths(best.rows)[0], weights_for(metric, bench.weights(best.rows))
    order = [trial for trial in order if len(trial.rows) == len(best.rows)]

    def value(counts: np.ndarray) -> float:
        weights = tuple(counts / counts.sum())
        raw = mixed([trial.raw for trial, w in zip(order, weights) if w], tuple(w for w in weights if w))
        prediction = original_scale(raw, bench.problem.outputs)[0]
        judged = metric.score(truth, readable(output, prediction, metric, best.entry["thresholds"][0]), own)
        return judged if metric.greater_is_better else -judged

    counts = np.zeros(len(order))
    counts[0] = 1
    score, found = value(counts), counts
    for _ in range(ROUNDS):  # a round may lower the score: taking the best once more makes room for finer weights
        options = []
        for i in range(len(order)):
            more = counts + np.eye(len(order))[i]
            members = [trial for trial, n in zip(order, more) if n]
            fits = members == [best] or refit_seconds_of(bench, members) <= refit_seconds
            if len(members) <= MAX_MEMBERS and fits:
                options.append((value(more), i))
        if not options:
            break
        reached, winner = max(options)
        counts = counts + np.eye(len(order))[winner]
        if reached > score:
            score, found = reached, counts
    taken = [(trial, n / found.sum()) for trial, n in zip(order, found) if n]
    return Blended(tuple(t for t, _ in taken), tuple(float(w) for _, w in taken))


def blend_entry(bench: Bench, blended: Blended, bar: Trial) -> dict[str, Any]:
    """Return the leaderboard entry of a blend: its score, and what its members cost together."""
    rows = blended.members[0].rows
    raw = mixed([member.raw for member in blended.members], blended.weights)
    entries = [member.entry for member in blended.members]
    best = blended.members[0]
    whole = Trial(replace(best.candidate, name="ensemble"), {**bench.judged(rows, raw)}, rows, raw)
    return {
        "candidate": "ensemble", "kind": "ensemble", "learner": "ensemble", **whole.entry,
        "members": [{"candidate": m.name, "weight": w} for m, w in zip(blended.members, blended.weights)],
        "seconds": sum(e["seconds"] for e in entries), "megabytes": sum(e.get("megabytes") or 0.0 for e in entries),
        "latency_ms": sum(e.get("latency_ms") or 0.0 for e in entries), "share": 1.0,
        "n_fit": best.entry["n_fit"], "history": [], "n_folds": best.entry["n_folds"],
        "difference": bench.compared(whole, bar), "gain": bench.compared(whole, best),
    }  # fmt: skip


def answer(bench: Bench, facts: Mapping[str, Any]) -> tuple[Blended, Mapping[str, Any], Trial]:
    """Return what a recorded refine chose (its members with weights, and its entry), and the bar it was compared with."""
    entries = {entry["candidate"]: entry for entry in facts["entries"]}
    members = tuple(bench.remembered(entries[name]) for name in facts["blend"]["members"])
    return Blended(members, tuple(facts["blend"]["weights"])), entries[facts["chosen"]], bench.remembered(facts["bar"])


def blended_of(bench: Bench, entries: Mapping[str, Mapping[str, Any]], name: str) -> Blended:
    """Return any candidate of a leaderboard as a blend: of itself alone, or of an ensemble's own members, chosen or not."""
    entry = entries[name]
    members: Sequence[Mapping[str, Any]] = (
        entry["members"] if entry["kind"] == "ensemble" else [{"candidate": name, "weight": 1.0}]
    )
    trials = tuple(bench.remembered(entries[member["candidate"]]) for member in members)
    return Blended(trials, tuple(float(member["weight"]) for member in members))


def refit_seconds_of(bench: Bench, members: Sequence[Trial]) -> float:
    """Time to fit trials on all development rows, and to write them [s]."""
    fitting = 0.0
    for member in members:
        n_refit = min(len(bench.rows), member.candidate.learner.in_memory or len(bench.rows))
        fitting += member.entry["seconds"] / member.entry["n_folds"] * n_refit / max(1, member.entry["n_fit"])
    n_networks = sum(member.candidate.kind == "network" for member in members)
    return REFIT_MARGIN * fitting + n_networks * EXPORT_SECONDS + (EXPORTER_SECONDS if n_networks else 0.0)


def refit_needs(bench: Bench, tried: Sequence[Trial]) -> float:
    """Return the time to keep for refitting what would be chosen if nothing better were found [s]."""
    complete = [trial for trial in tried if trial.entry["whole"]]
    members = blend(bench, complete, math.inf).members if complete else ()
    return refit_seconds_of(bench, members)
