"""The contract of searches: asked and told, deterministic, and at an end when their trials are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fieldguide.core.contracts import Search


def check_search(make: Callable[[], Search], n_trials: int) -> None:
    """Check a search: every method of the contract, and what all searches promise.

    Args:
        make: returns a fresh search over at least one setting, with a seed and a limit of `n_trials` new trials.
        n_trials: that limit.
    """
    first, second = (_asked(make()) for _ in range(2))
    assert first, "a fresh search asks for nothing"
    assert [_plain(t) for t in first] == [_plain(t) for t in second], "the same seed and scores ask for other trials"
    assert len({trial.number for trial in first}) == n_trials, "not every trial was asked for"
    assert len({str(sorted(trial.settings.items(), key=str)) for trial in first}) > 1 or n_trials == 1, (
        "all trials are alike"
    )


def _asked(search: Search) -> list[Any]:
    trials: list[Any] = []
    while (trial := search.ask()) is not None:
        trials.append(trial)
        assert len(trials) < 10_000, "the search does not end"
        search.tell(trial, float(trial.number * 7 % 5))
    return trials


def _plain(trial: Any) -> tuple[Any, ...]:
    return trial.number, trial.learner, dict(trial.settings), dict(trial.recipe), getattr(trial, "rung", 0)
