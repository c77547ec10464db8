"""Refine: the only loop. Raise capacity until the network overfits, then regularise; search at random; blend.

Takes the bench and what was tried. Every trial is in the ledger with the move, the diagnosis it came from, the direction it was
expected to go and where it went. The rows it judges on are validation rows: the optimism of having searched them is printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import Candidate, mixed, original_scale
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Threshold
from fieldguide.core.figures import number
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import greater_is_better, metric_of, preferred, ranked, readable, within_limits
from fieldguide.core.score import optimism, short, weights_for
from fieldguide.core.settings import capacity_of, with_values
from fieldguide.core.table import Table
from fieldguide.parts.searches.random import Arm
from fieldguide.steps.checking import checked
from fieldguide.steps.explore.gallery import worst_answers
from fieldguide.steps.refine.inside import weighed
from fieldguide.steps.refine.weak_slices import judged_of, weak_slices_of
from fieldguide.steps.refine.worth import affordable, modality_worth

CLEARLY = 0.05
"""Training loss is clearly below validation loss when it is lower by this share of it."""
LOSES = 0.05
"""The p value, shared by all outputs after the first, at which one of them is told to lose by a move."""
MAX_MEMBERS = 5
ROUNDS = 25
EXPORT_SECONDS = 3.0
"""Time to write a network's ONNX graph and prove it equal [s]."""
EXPORTER_SECONDS = 5.0
"""Time to load torch's exporter, once [s]."""
REFIT_MARGIN = 1.4
"""Time kept for a refit over what it is expected to take."""
N_RUNGS = 2
BOOSTING_TURNS = 3
"""Turns of boosting for one of the network: a fit of it costs a tenth, and its settings matter as much."""
PRESET_SHARE = 0.45
COACH_SHARE = 0.4
WORTH_SHARE = 0.5
"""Most of the time left, before the search, for measuring what each kind of data is worth."""


@dataclass(frozen=True)
class Blended:
    """A weighted ensemble of trials, learned on validation predictions and frozen before the refit."""

    members: tuple[Trial, ...]
    weights: tuple[float, ...]


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
    clock = start(_refit_needs(bench, tried))
    known, lines = presets(bench, tried, clock.share(PRESET_SHARE), n_trials)
    trials += known
    ledger += lines
    coached, moves = coach(bench, tried, clock.share(COACH_SHARE), min(n_trials, max(1, (n_trials - len(known)) // 4)))
    trials += coached
    ledger += moves
    time = start(_refit_needs(bench, trials)).share(WORTH_SHARE)
    worth = modality_worth(bench, affordable(bench, trials, time.left()), time)
    found, searched, unfinished = search(bench, trials, start, n_trials - len(known) - len(coached))
    trials += found
    ledger += searched
    complete = [trial for trial in trials if trial.entry["whole"]]
    complete = [trial for trial in complete if trial.candidate.kind != "trivial"] or complete
    complete = list({trial.entry["key"]: trial for trial in reversed(complete)}.values())[
        ::-1
    ]  # the first of equal ones
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
    order = ranked(bench.problem, entries)
    chosen = preferred(bench.problem, entries)
    if chosen["kind"] != "ensemble":
        only = next(trial for trial in complete if trial.name == chosen["candidate"])
        blended = Blended((only,), (1.0,))
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
        facts |= _worst(bench, table, blended, start(_refit_needs(bench, blended.members)))
    return facts, checked("refine", bench=bench, trials=complete, facts=facts)


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


def presets(
    bench: Bench, tried: Sequence[Trial], clock: Clock, n_trials: int
) -> tuple[list[Trial], list[dict[str, Any]]]:
    """Try the settings a learner is known to be good with on other tables, before any are drawn at random.

    What a table decides is asked first, and the answer holds for what follows: which rows to stop on, along time, whether the
    levels of an ordered label share their trees, and whether all layers of a checkpoint learn.
    """
    asked = {
        "stops_on": bench.roles.times is not None,
        "order": any(output.task.name == "ordinal" for output in bench.problem.outputs),
        "unfrozen": any("checkpoint" in column.read for column in bench.rows.columns),
    }
    trials: list[Trial] = []
    ledger: list[dict[str, Any]] = []
    for base in tried:
        kept: dict[str, Any] = {}
        for name, values in getattr(base.candidate.learner, "presets", {}).items():
            question = next(iter(values)) if len(values) == 1 and set(values) <= set(asked) else ""
            if len(trials) >= n_trials or clock.left() < 1.5 * base.entry["seconds"] or not asked.get(question, True):
                continue
            learner = with_values(base.candidate.learner, {**kept, **values})
            trial = bench.attempt(Candidate(f"{base.name}, {name}", learner, base.candidate.recipe), clock)
            if question and bench.compared(trial, base)["value"] > 0:
                kept |= values
            trials.append(trial)
            ledger.append({
                "stage": "preset", "candidate": trial.name, "score": trial.entry["scores"][0]["value"], "learner": learner.name,
                "seconds": trial.entry["seconds"], "settings": trial.entry["settings"], "recipe": trial.entry["recipe"],
                "difference": bench.compared(trial, base),
            })  # fmt: skip
    return trials, ledger


# --- the coach ---------------------------------------------------------------------------------------------------------


def diagnose(history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Read a learning curve: does the network overfit, or has it not learned enough?

    Returns:
        gap (share by which the lowest training loss lies below the best validation loss) and state: "overfits" when the gap is
        clear, "underfits" when it is not, "unknown" without a curve.

    Examples:
        >>> diagnose([{"train": 0.9, "validation": 1.0}, {"train": 0.4, "validation": 0.8}])["state"]
        'overfits'
    """
    pairs = [
        (p["train"], p["validation"]) for p in history if p.get("validation") is not None and p.get("train") is not None
    ]
    if not pairs:
        return {"state": "unknown", "gap": None}
    train, validation = pairs[-1][0], min(v for _, v in pairs)
    gap = (validation - train) / abs(validation) if validation else 0.0
    return {
        "state": "overfits" if gap > CLEARLY else "underfits",
        "gap": float(gap),
        "train": train,
        "validation": validation,
    }


def coach(bench: Bench, tried: Sequence[Trial], clock: Clock, n_moves: int) -> tuple[list[Trial], list[dict[str, Any]]]:
    """Move the best network's capacity up until it overfits, then down: one move a trial, each read from the curves.

    The curves are of the loss of all outputs. A move is kept where the first output gains and no other one clearly loses.
    """
    networks = [trial for trial in tried if trial.candidate.kind == "network"]
    if not networks:
        return [], []
    best = max(networks, key=lambda trial: greater_is_better(bench.problem, trial.entry))
    trials: list[Trial] = []
    ledger: list[dict[str, Any]] = []
    used: set[str] = set()
    overfitted = False
    while len(trials) < n_moves and clock.left() > 1.3 * best.entry["seconds"]:
        diagnosis = diagnose(best.entry["history"])
        overfitted = overfitted or diagnosis["state"] == "overfits"
        move = _next_move(best.candidate, up=not overfitted, used=used)
        if move is None:
            break
        used.add(f"{move['setting']} {move['direction']}")
        name = f"{best.candidate.learner.name}: {move['setting']} {move['to']:g}"
        candidate = Candidate(
            name, with_values(best.candidate.learner, {move["setting"]: move["to"]}), best.candidate.recipe
        )
        trial = bench.attempt(candidate, clock)
        gained, beside = bench.compared(trial, best), _beside(bench, trial, best)
        kept = gained["value"] > 0 and not any(one["loses"] for one in beside)
        after = diagnose(trial.entry["history"])
        ledger.append({
            "stage": "coach", "candidate": name, **move, "diagnosis": diagnosis, "after": after, "difference": gained,
            "score": trial.entry["scores"][0]["value"], "seconds": trial.entry["seconds"], "kept": kept, **({"outputs": beside} if beside else {}),
        })  # fmt: skip
        trials.append(trial)
        if kept or (move["direction"] == "raise" and after["state"] == "overfits"):
            overfitted = overfitted or after["state"] == "overfits"
            best = trial if kept else best
    return trials, ledger


def _beside(bench: Bench, trial: Trial, best: Trial) -> list[dict[str, Any]]:
    """Return what a trial does to the outputs after the first, and which clearly lose: p at most 5 % over their number."""
    found = []
    for i, output in enumerate(bench.problem.outputs[1:], 1):
        gained = bench.compared(trial, best, i)
        p = gained["p"]
        loses = (gained["value"] or 0.0) < 0 and p is not None and p <= LOSES / (len(bench.problem.outputs) - 1)
        found.append(
            {"output": output.name, "metric": metric_of(output).name, "difference": gained, "loses": bool(loses)}
        )
    return found


def _next_move(candidate: Candidate, *, up: bool, used: set[str]) -> dict[str, Any] | None:
    """The next setting to change: width, depth, epochs up; or dropout, weight decay up and width down.

    A move that changes nothing, or that goes the other way, is passed over: a dropout of 0.6 is not raised.
    """
    learner = candidate.learner
    capacity = capacity_of(learner)
    raises = (
        ("d_block", 2), ("n_blocks", None), ("d_hidden", 2), ("d_embedding", 2), ("n_layers", None), ("n_epochs", 2),
    )  # fmt: skip
    lowers = (
        ("dropout", None), ("weight_decay", 10), ("d_block", 0.5), ("d_hidden", 0.5), ("d_embedding", 0.5), ("l1", None),
    )  # fmt: skip
    for setting, factor in raises if up else lowers:
        value = getattr(learner, setting, None)
        direction = "raise" if up else "lower"
        if value is None or f"{setting} {direction}" in used:
            continue
        to = _moved(setting, value, factor, up)
        if (to > value) != (up == (capacity[setting] > 0)) or to == value:
            continue
        return {
            "setting": setting, "from": value, "to": to, "direction": direction, "capacity": capacity[setting],
            "expected": "training loss falls; validation loss may rise" if up else "training loss rises; validation loss falls",
        }  # fmt: skip
    return None


def _moved(setting: str, value: float, factor: float | None, up: bool) -> float:
    if setting in ("n_blocks", "n_layers"):
        return value + 1
    if setting == "dropout":
        return round(min(0.6, value + 0.15), 3)
    if setting == "l1":
        return 1e-5 if not value else value * 10
    assert factor is not None
    moved = value * factor
    return max(8, int(moved)) if isinstance(value, int) else (moved or 1e-4)


# --- the search --------------------------------------------------------------------------------------------------------


def search(
    bench: Bench, tried: Sequence[Trial], start: Callable[[float], Clock], n_trials: int
) -> tuple[list[Trial], list[dict[str, Any]], int]:
    """Random search with successive halving over the learners worth it; return trials, ledger lines, and trials not made."""
    bases = _bases(bench, tried)
    if not bases or n_trials <= 0:
        return [], [], max(0, n_trials)
    halving = bench.find("searches", "halving")
    arms = tuple(
        Arm(
            base.candidate.learner,
            base.candidate.recipe,
            kinds=tuple(sorted({column.kind for column in bench.columns})),
        )
        for base in bases.values()
        for _ in range(BOOSTING_TURNS if base.candidate.kind == "boosting" else 1)
    )
    asker = halving(arms, n_trials, bench.seed, N_RUNGS)
    trials: list[Trial] = []
    ledger: list[dict[str, Any]] = []
    clock = start(_refit_needs(bench, tried))
    while (asked := asker.ask()) is not None:
        base = bases[asked.learner]
        learner = with_values(base.candidate.learner, asked.settings)
        candidate = Candidate(
            f"{asked.learner} {asked.number}", learner, with_values(base.candidate.recipe, asked.recipe)
        )
        folds, share = rung(bench, asker.share(asked.rung))
        forecast = base.entry["seconds"] * share * len(folds) / len(bench.folds)
        if clock.left() < 1.2 * forecast and trials:  # what the refit needs may have become less since
            clock = start(_refit_needs(bench, [*tried, *trials]))
        if clock.left() < 1.2 * forecast:
            asker.tell(asked, -np.inf)
            ledger.append(
                {"stage": "search", "candidate": candidate.name, "rung": asked.rung, "skipped": "no time left for it"}
            )
            continue
        trial = bench.attempt(candidate, clock, folds=folds, share=share)
        asker.tell(asked, greater_is_better(bench.problem, trial.entry))
        trials.append(trial)
        ledger.append({
            "stage": "search", "candidate": trial.name, "rung": asked.rung, "share": share, "n_folds": len(folds),
            "score": trial.entry["scores"][0]["value"], "seconds": trial.entry["seconds"],
            "settings": trial.entry["settings"], "recipe": trial.entry["recipe"], "learner": asked.learner,
        })  # fmt: skip
    made = [trial for trial in trials if trial.entry["whole"]]
    return made, ledger, sum("skipped" in line for line in ledger)


def _bases(bench: Bench, tried: Sequence[Trial]) -> dict[str, Trial]:
    """The best boosting and the best network so far, by learner: what is worth searching around."""
    found: dict[str, Trial] = {}
    if bench.problem.output.targetless:  # few learners, each of its own kind: all are searched
        return {
            t.candidate.learner.name: t for t in reversed(_best_first(bench, tried)) if t.candidate.kind != "trivial"
        }
    for kind in ("boosting", "network"):
        able = [t for t in tried if t.candidate.kind == kind]
        if able:
            best = max(able, key=lambda t: greater_is_better(bench.problem, t.entry))
            found[best.candidate.learner.name] = best
    return found


def _best_first(bench: Bench, trials: Sequence[Trial]) -> list[Trial]:
    return sorted(trials, key=lambda trial: -greater_is_better(bench.problem, trial.entry))


def rung(bench: Bench, share: float) -> tuple[tuple[int, ...], float]:
    """Return what a rung of the search costs: (folds, share of training rows). Folds are left out before rows are."""
    every = tuple(range(len(bench.folds)))
    if share >= 1.0 or len(every) == 1:
        return every, min(share, 1.0)
    return every[: max(1, round(share * len(every)))], 1.0


# --- the blend ---------------------------------------------------------------------------------------------------------


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
            fits = members == [best] or _refit_seconds(bench, members) <= refit_seconds
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


def _refit_seconds(bench: Bench, members: Sequence[Trial]) -> float:
    """Time to fit trials on all development rows, and to write them [s]."""
    fitting = 0.0
    for member in members:
        n_refit = min(len(bench.rows), member.candidate.learner.in_memory or len(bench.rows))
        fitting += member.entry["seconds"] / member.entry["n_folds"] * n_refit / max(1, member.entry["n_fit"])
    n_networks = sum(member.candidate.kind == "network" for member in members)
    return REFIT_MARGIN * fitting + n_networks * EXPORT_SECONDS + (EXPORTER_SECONDS if n_networks else 0.0)


def _refit_needs(bench: Bench, tried: Sequence[Trial]) -> float:
    """Return the time to keep for refitting what would be chosen if nothing better were found [s]."""
    complete = [trial for trial in tried if trial.entry["whole"]]
    members = blend(bench, complete, math.inf).members if complete else ()
    return _refit_seconds(bench, members)


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
