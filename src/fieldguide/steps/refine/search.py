"""Search: settings drawn at random around the best so far, the poorer half of them left at each rung.

Knows which candidates are worth searching around and what a rung costs; how settings are drawn is a part (`parts/searches`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.leaderboard import greater_is_better
from fieldguide.core.settings import with_values
from fieldguide.parts.searches.random import Arm
from fieldguide.steps.refine.blend import refit_needs

N_RUNGS = 2
BOOSTING_TURNS = 3
"""Turns of boosting for one of the network: a fit of it costs a tenth, and its settings matter as much."""


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
    clock = start(refit_needs(bench, tried))
    while (asked := asker.ask()) is not None:
        base = bases[asked.learner]
        learner = with_values(base.candidate.learner, asked.settings)
        candidate = Candidate(
            f"{asked.learner} {asked.number}", learner, with_values(base.candidate.recipe, asked.recipe)
        )
        folds, share = rung(bench, asker.share(asked.rung))
        forecast = base.entry["seconds"] * share * len(folds) / len(bench.folds)
        if clock.left() < 1.2 * forecast and trials:  # what the refit needs may have become less since
            clock = start(refit_needs(bench, [*tried, *trials]))
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
