"""Coach: settings known to be good, then one change of the best network a trial, up in capacity until it overfits, then down.

Knows learning curves and which way each setting moves capacity; how a trial is made and judged is the bench's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.leaderboard import greater_is_better, metric_of
from fieldguide.core.settings import capacity_of, with_values

CLEARLY = 0.05
"""Training loss is clearly below validation loss when it is lower by this share of it."""
LOSES = 0.05
"""The p value, shared by all outputs after the first, at which one of them is told to lose by a move."""


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
        to = _moved(setting, value, factor)
        if (to > value) != (up == (capacity[setting] > 0)) or to == value:
            continue
        return {
            "setting": setting, "from": value, "to": to, "direction": direction, "capacity": capacity[setting],
            "expected": "training loss falls; validation loss may rise" if up else "training loss rises; validation loss falls",
        }  # fmt: skip
    return None


def _moved(setting: str, value: float, factor: float | None) -> float:
    if setting in ("n_blocks", "n_layers"):
        return value + 1
    if setting == "dropout":
        return round(min(0.6, value + 0.15), 3)
    if setting == "l1":
        return 1e-5 if not value else value * 10
    assert factor is not None
    moved = value * factor
    return max(8, int(moved)) if isinstance(value, int) else (moved or 1e-4)
