"""Refine: the only loop. Raise capacity until the network overfits, then regularise; search at random; blend.

Takes the bench and what was tried. Every trial is in the ledger with the move, the diagnosis it came from, the direction it was
expected to go and where it went. The rows it judges on are validation rows: the optimism of having searched them is printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import mixed, original_scale
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Threshold
from fieldguide.core.figures import number
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import metric_of, preferred, ranked, readable, within_limits
from fieldguide.core.score import optimism, short
from fieldguide.core.table import Table
from fieldguide.steps.checking import checked
from fieldguide.steps.explore.gallery import worst_answers
from fieldguide.steps.refine.blend import Blended, blend, blend_entry, refit_needs
from fieldguide.steps.refine.coach import coach, presets
from fieldguide.steps.refine.inside import weighed
from fieldguide.steps.refine.search import search
from fieldguide.steps.refine.weak_slices import judged_of, weak_slices_of
from fieldguide.steps.refine.worth import affordable, modality_worth

PRESET_SHARE = 0.45
COACH_SHARE = 0.4
WORTH_SHARE = 0.5
"""Most of the time left, before the search, for measuring what each kind of data is worth."""


def refine(
    bench: Bench,
    tried: Sequence[Trial],
    bar: Trial,
    *,
    n_trials: int,
    start: Callable[[float], Clock],
    refit_seconds: Callable[[], float],
    table: Table | None = None,
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Search for the best candidate within the budget.

    Args:
        tried: trials of the baselines and networks.
        bar: the best baseline.
        n_trials: most trials to make.
        start: gives the clock for the whole step, told what refitting the answer is expected to take [s].
        refit_seconds: gives the time there is to refit the answer [s], asked when the search is over.
        table: the typed development rows; given, weak slices of the chosen answer are searched in them.

    Returns:
        facts (moves, entries, chosen, blend, optimism, rejected, weak_slices, and worth where there are several kinds of
        data), findings FG701 to FG707.
    """
    ledger: list[dict[str, Any]] = []
    trials = list(tried)
    clock = start(refit_needs(bench, tried))
    known, lines = presets(bench, tried, clock.share(PRESET_SHARE), n_trials)
    trials += known
    ledger += lines
    coached, moves = coach(bench, tried, clock.share(COACH_SHARE), min(n_trials, max(1, (n_trials - len(known)) // 4)))
    trials += coached
    ledger += moves
    time = start(refit_needs(bench, trials)).share(WORTH_SHARE)
    worth = modality_worth(bench, affordable(bench, trials, time.left()), time)
    found, searched, unfinished = search(bench, trials, start, n_trials - len(known) - len(coached))
    trials += found
    ledger += searched
    complete, entries, chosen, blended = _chosen(bench, trials, bar, refit_seconds)
    order = ranked(bench.problem, entries)
    n_made, judge = sum("skipped" not in line for line in ledger), metric_of(bench.problem.output)
    facts = {
        "sentence": f"chosen: {chosen['candidate']}, {short(chosen['scores'][0])} after {n_made} trial{'s' * (n_made != 1)}{_simpler(chosen, order[0])}",
        "bar": dict(bar.entry), "moves": ledger, "entries": order, "chosen": chosen["candidate"], "n_trials": n_made, "unfinished": unfinished,
        "blend": {"members": [m.name for m in blended.members], "weights": list(blended.weights)},
        "optimism": {"value": _optimism(bench, complete), "n": len(complete), "metric": judge.name, "title": judge.title},
        "rejected": [
            {"candidate": e["candidate"], "latency_ms": e.get("latency_ms"), "megabytes": e.get("megabytes")}
            for e in entries if not within_limits(bench.problem, e)
        ],
    }  # fmt: skip
    if worth is not None:
        facts["worth"] = worth
    if table is not None:
        facts["weak_slices"] = _weak_slices(bench, table, blended, chosen["thresholds"])
        facts |= _worst(bench, table, blended, start(refit_needs(bench, blended.members)))
    return facts, checked("refine", bench=bench, trials=complete, facts=facts)


def _chosen(
    bench: Bench, trials: Sequence[Trial], bar: Trial, refit_seconds: Callable[[], float]
) -> tuple[list[Trial], list[dict[str, Any]], Mapping[str, Any], Blended]:
    """Return the trials that were made in full, their entries and the blend's, the entry that is preferred, and its members."""
    complete = [trial for trial in trials if trial.entry["whole"]]
    complete = [trial for trial in complete if trial.candidate.kind != "trivial"] or complete
    first = {trial.entry["key"]: trial for trial in reversed(complete)}  # the first of equal ones
    complete = list(first.values())[::-1]
    seconds = bench.recall(
        {"refit_seconds": [trial.name for trial in complete]}, lambda: {"left": _finite(refit_seconds())}
    )
    blended = blend(bench, complete, math.inf if seconds["left"] is None else seconds["left"])
    entries = [dict(trial.entry) for trial in complete]
    if len(blended.members) > 1:
        entries.append(blend_entry(bench, blended, bar))
    for entry in entries:
        if entry["kind"] != "ensemble":
            entry["difference"] = bench.compared(next(t for t in complete if t.name == entry["candidate"]), bar)
    chosen = preferred(bench.problem, entries)
    if chosen["kind"] != "ensemble":
        only = next(trial for trial in complete if trial.name == chosen["candidate"])
        blended = Blended((only,), (1.0,))
    return complete, entries, chosen, blended


def _simpler(chosen: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """Return in words which better candidate a simpler one was preferred to; "" where the best was chosen."""
    if chosen["candidate"] == best["candidate"]:
        return ""
    return (
        f"; {best['candidate']} reaches {number(best['scores'][0]['value'])}, and the purpose is to understand: the simplest within one "
        "standard error is preferred"
    )


def _weak_slices(bench: Bench, table: Table, blended: Blended, thresholds: Sequence[Threshold]) -> dict[str, Any]:
    """Search the rows that judged the chosen answer for slices on which it is worse, output by output."""
    rows, outputs = blended.members[0].rows, bench.problem.outputs
    raw = mixed([member.raw for member in blended.members], blended.weights)
    blocks, weights = bench.roles.blocks[rows], bench.weights(rows)
    judged = {
        output.name: judged_of(output, truth, prediction, threshold, blocks, weights)
        for output, truth, prediction, threshold in zip(
            outputs, bench.truths(rows), original_scale(raw, outputs), thresholds, strict=True
        )
    }
    return weak_slices_of(table.take(rows), judged, seed=bench.seed)


def _worst(bench: Bench, table: Table, blended: Blended, clock: Clock) -> dict[str, Any]:
    """Return the validation rows that the chosen answer got most wrong, and the words that weighed in them."""
    rows = blended.members[0].rows
    raw = mixed([member.raw for member in blended.members], blended.weights)
    worst = worst_answers(
        table.take(rows), bench.problem, bench.truths(rows), original_scale(raw, bench.problem.outputs)
    )
    places = [int(rows[line["row"]]) for line in worst]
    if not worst or all(column.kind != "text" for column in bench.rows.columns):
        return {"worst": worst}
    words = bench.recall(
        {"words of the worst": places, "members": [member.entry["key"] for member in blended.members]},
        lambda: weighed(bench, blended.members, blended.weights, places, clock),
    )
    of_row = words.get("rows", {})
    lines = [{**line, "words": of_row.get(str(place), {})} for line, place in zip(worst, places, strict=True)]
    return {"worst": lines, "worst_words": {name: fact for name, fact in words.items() if name != "rows"}}


def _finite(seconds: float) -> float | None:
    """Return seconds as JSON has them: None where there is no limit."""
    return None if math.isinf(seconds) else seconds


def _optimism(bench: Bench, trials: Sequence[Trial]) -> float:
    output, metric = bench.problem.output, metric_of(bench.problem.output)
    rows = trials[0].rows
    same = [trial for trial in trials if len(trial.rows) == len(rows)]
    predictions = [
        readable(output, original_scale(t.raw, bench.problem.outputs)[0], metric, t.entry["thresholds"][0])
        for t in same
    ]
    return optimism(
        metric,
        bench.truths(rows)[0],
        predictions,
        bench.roles.blocks[rows],
        seed=bench.seed,
        weights=bench.weights(rows),
    )
