"""Train: the standard networks of the data's structure, first shown to overfit, then trained and compared with the bar.

Takes the bench and the baselines' best trial. A network that cannot overfit a handful of rows is marked failed, with the
diagnosis, and the study goes on with its baselines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.figures import number
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import ranked
from fieldguide.core.score import short
from fieldguide.core.settings import values_of, with_values
from fieldguide.core.table import MEDIA_KINDS
from fieldguide.parts.learners._overfit import overfit
from fieldguide.steps.checking import checked, ordered, without_target
from fieldguide.steps.refine.inside import inside, seen_in

SHARES = {"mlp": 0.15, "tabm": 0.3}
"""A network's part of the time that is left; the last one takes all of it."""
OVERFIT_SECONDS = 10.0
"""The most time the overfit check of one network may take; a fraction of a second where the network is sound."""


def train(
    bench: Bench,
    candidates: Sequence[Candidate],
    bar: Trial,
    start: Callable[[], Clock],
    set_by_hand: frozenset[str] = frozenset(),
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Train networks and compare the best with the bar.

    Args:
        candidates: the networks, the cheapest first.
        bar: the best baseline.
        start: gives the clock for training all of them; called after torch is loaded and the overfit checks are done, so
            that a short budget is not spent on imports.
        set_by_hand: learners whose settings a person gave: their size is left alone.

    Returns:
        facts (entries, overfit checks, paired difference), findings FG601 to FG604.
    """
    from fieldguide.parts.learners import _training  # noqa: F401  loads torch before any clock is read

    bench = replace(bench, look=inside)
    trials: list[Trial] = []
    checks: dict[str, Any] = {}
    for candidate in candidates:
        # without minutes to keep, no clock: the same seed gives the same numbers, however busy the machine is
        time = Clock() if bench.limit is None else Clock.of(OVERFIT_SECONDS)
        effort = Effort(bench.seed, bench.threads, time)
        checks[candidate.learner.name] = bench.recall(
            {"overfit": candidate.to_dict()},
            lambda c=candidate, e=effort: overfit(c.learner, bench.encoded(c), bench.problem.outputs, effort=e),  # type: ignore[misc]
        )
    clock = start()
    for place, candidate in enumerate(candidates):
        name = candidate.learner.name
        share = clock if place == len(candidates) - 1 else clock.share(SHARES.get(name, 0.5))
        if share.over and trials:
            continue
        trials.append(bench.attempt(candidate if name in set_by_hand else fitting(bench, candidate, share), share))
    entries = [dict(trial.entry) for trial in trials]
    for entry, trial in zip(entries, trials):
        entry["difference"] = bench.compared(trial, bar)
    order = ranked(bench.problem, entries)
    sound = [
        entry
        for entry in order
        if checks[entry["learner"]]["reached"] or checks[entry["learner"]]["diagnosis"] == "clock"
    ]
    facts: dict[str, Any] = {
        "entries": order,
        "overfit": checks,
        "difference": None,
        "inside": seen_in(bench, trials),
        "sentence": "no network was trained",
    }
    if order:
        best = (sound or order)[0]
        facts["difference"] = {"network": best["candidate"], "bar": bar.name, **best["difference"]}
        facts["sentence"] = (
            f"the best network is {best['candidate']}: {short(best['scores'][0])}, "
            f"{number(best['difference']['value'], 2, sign=True)} against {bar.name}"
        )
    return facts, checked("train", bench=bench, trials=trials, bar=bar, facts=facts)


def train_targetless(
    bench: Bench, candidates: Sequence[Candidate], bar: Trial, clock: Clock
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Try the learners of a task without a target and compare the best with the bar.

    Args:
        candidates: the cheapest first.
        bar: the best baseline.

    Returns:
        facts as `train` gives them; no overfit check: nothing is to be hit.
    """
    trials: list[Trial] = []
    left_out: list[str] = []
    for place, candidate in enumerate(candidates):
        if trials and clock.over:
            left_out.append(candidate.name)
            continue
        trials.append(bench.attempt(candidate, clock.share(1 / (len(candidates) - place))))
    entries = [{**trial.entry, "difference": bench.compared(trial, bar)} for trial in trials]
    order = ranked(bench.problem, entries)
    facts: dict[str, Any] = {
        "entries": order, "overfit": {}, "difference": None, "left_out": left_out, "sentence": "nothing was tried",
    }  # fmt: skip
    if order:
        best = order[0]
        facts["difference"] = {"network": best["candidate"], "bar": bar.name, **best["difference"]}
        facts["sentence"] = (
            f"the best is {best['candidate']}: {short(best['scores'][0])}, "
            f"{number(best['difference']['value'], 2, sign=True)} against {bar.name}"
            + (f"; no time for {', '.join(left_out)}" if left_out else "")
        )
    return facts, ordered(without_target(finding) for finding in checked("train", trials=trials, facts=facts))


def networks(kinds: Collection[str]) -> tuple[str, ...]:
    """Return the standard networks for columns of these kinds, the cheapest first.

    The perceptron reads a few numbers made of each text, image, sound or series; `fusion` reads them whole.

    Examples:
        >>> networks({"number", "category"}), networks({"text"}), networks({"text", "number"})
        (('mlp', 'tabm'), ('mlp', 'fusion'), ('mlp', 'tabm', 'fusion'))
    """
    whole = ("fusion",) if set(kinds) & set(MEDIA_KINDS) else ()
    return ("mlp", *(("tabm",) if set(kinds) - set(MEDIA_KINDS) else ()), *whole)


def fitting(bench: Bench, candidate: Candidate, clock: Clock) -> Candidate:
    """Return the candidate in the largest size that can be trained in the time there is, a fold's share each."""
    left = clock.left()
    seconds = None if math.isinf(left) else 0.85 * left / sum(fold.repeat == 0 for fold in bench.folds)
    sized = getattr(candidate.learner, "sized", None)
    if sized is None:
        return candidate
    settings = bench.recall(
        {"sized": candidate.to_dict(), "timed": seconds is not None},
        lambda: values_of(sized(bench.encoded(candidate), bench.problem.outputs, seconds, bench.threads)),
    )
    return Candidate(candidate.name, with_values(candidate.learner, settings), candidate.recipe)
