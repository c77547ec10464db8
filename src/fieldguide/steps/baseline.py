"""Baseline: the bar a network has to clear. Trivial rule, best single feature, linear, neighbours, boosting, forest.

Takes the bench (development rows and folds) and tries every baseline through its one evaluation.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import ranked
from fieldguide.core.problem import Problem
from fieldguide.core.score import told
from fieldguide.core.split import CROSS_VALIDATE_UP_TO
from fieldguide.steps.checking import checked
from fieldguide.steps.refine.inside import inside, seen_in

BASELINES = ("prior", "rule", "linear", "neighbours", "boosting")
OF_FEW = "forest"
"""A baseline where boosting has too few rows to stop on: vectors of at most `FEW` rows, and wherever `learners.use` names it."""
FEW = CROSS_VALIDATE_UP_TO
OF_PRICES = ("revenue", "strategy")
"""Baselines that read what came of an offer; the others learn which price is offered."""
SHORT = 10.0
"""Time for all baselines below which the strongest comes right after the trivial one [s]."""
LEAST = 2.0
"""Time that the strongest has in any case [s]: a bar without it says little, and costs no more to clear than it is worth."""


def baselines_of(problem: Problem, n_rows: int, used: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of the baselines that suit a problem, the cheapest first.

    Args:
        n_rows: rows that candidates are tried on.
        used: names that the study asks for.
    """
    priced = problem.output.task.name == "price" and len(problem.outputs) == 1
    few = OF_FEW in used or (problem.output.family == "vector" and n_rows <= FEW)
    return (*BASELINES, *((OF_FEW,) if few else ()), *(OF_PRICES if priced else ()))


def baseline(bench: Bench, candidates: Sequence[Candidate], clock: Clock) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Try the baselines and say which is the bar.

    Args:
        candidates: the cheapest first.
        clock: time for all of them together; a learner for which none is left is left out with a finding. Where it is short, the
            strongest is the last that is given up: boosting, or where there are texts the linear one, which reads all their terms.

    Returns:
        facts (entries with paired differences to the trivial one), and findings FG501 to FG504.
    """
    bench = replace(bench, look=inside)
    trials: list[Trial] = []
    left_out: list[str] = []
    texts = any(column.kind == "text" for column in bench.rows.columns)
    for number, candidate in enumerate(_in_turn(candidates, clock, texts)):
        own = clock.share(1 / (len(candidates) - number))
        if _strongest(candidate, texts) and own.left() < LEAST:
            own = Clock.of(LEAST)
        if trials and own.over:
            left_out.append(candidate.name)
            continue
        trials.append(bench.attempt(candidate, own))
    entries = [dict(trial.entry) for trial in trials]
    trivial = next((trial for trial in trials if trial.candidate.kind == "trivial"), trials[0])
    for entry, trial in zip(entries, trials):
        entry["difference"] = bench.compared(trial, trivial) if trial is not trivial else None
    order = ranked(bench.problem, entries)
    best = next(trial for trial in trials if trial.name == order[0]["candidate"])
    facts = {
        "sentence": _sentence(order[0]), "bar": best.name, "entries": [dict(entry) for entry in order], "trivial": trivial.name,
        "left_out": left_out, "inside": seen_in(bench, trials),
    }  # fmt: skip
    return facts, checked(
        "baseline", problem=bench.problem, bench=bench, trials=trials, bar=best, trivial=trivial, facts=facts
    )


def _strongest(candidate: Candidate, texts: bool) -> bool:
    return candidate.learner.name == "linear" if texts else candidate.kind == "boosting"


def _in_turn(candidates: Sequence[Candidate], clock: Clock, texts: bool) -> list[Candidate]:
    """Return the candidates in the order they are tried: the cheapest first, so that what they leave goes to the strongest.

    The first stays the first: where none is trivial, as among forecasts, it is what the others are held against.
    """
    if clock.left() >= SHORT:
        return list(candidates)
    free = ("seasonal_naive",)  # it learns nothing, and is what a forecast is first held against
    places = [
        0 if one.kind == "trivial" or one.learner.name in free else 1 if _strongest(one, texts) else 2
        for one in candidates[1:]
    ]
    return [*candidates[:1], *(candidates[1 + i] for i in sorted(range(len(places)), key=places.__getitem__))]


def _sentence(entry: Any) -> str:
    return f"the bar is {entry['candidate']}: {told(entry['scores'][0])}"
