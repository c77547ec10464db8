"""Successive halving: many trials with little effort, the best third again with three times as much.

Knows rungs and which trial climbs next; how much a rung is worth in rows or steps is the caller's, from `share`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

from fieldguide.core.errors import ConfigError
from fieldguide.parts.searches.random import Arm, RandomSearch, Trial


class HalvingSearch:
    """Ask and tell over rungs, without waiting for a rung to be full.

    A trial climbs as soon as it is among the best 1 / `reduction` of those told on its rung; where none may climb, a
    new one starts below. Once no new trial is left, the best of each rung climb, as in the synchronous algorithm.
    What is asked next depends on the seed and on what was asked and told, on nothing else: a resumed search replays its
    ledger.

    Args:
        arms: what is searched over.
        n_trials: how many trials start on the first rung; None: without end.
        seed: of the search.
        n_rungs: rungs; the last is full effort.
        reduction: one in how many climbs.

    Source:
        Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016,
        section 3; without waiting: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020.

    Examples:
        >>> from fieldguide import parts
        >>> search = HalvingSearch((Arm(parts.find("learners", "rule")()),), n_trials=3, seed=7, n_rungs=2)
        >>> for score in (0.1, 0.3, 0.2):
        ...     search.tell(search.ask(), score)
        >>> climbed = search.ask()
        >>> climbed.number, climbed.rung, search.share(climbed.rung)
        (1, 1, 1.0)
    """

    name: ClassVar[str] = "halving"

    def __init__(
        self, arms: tuple[Arm, ...], n_trials: int | None = None, seed: int = 0, n_rungs: int = 3, reduction: int = 3
    ) -> None:
        if n_rungs < 1 or reduction < 2:
            raise ConfigError(
                "a halving search cannot be made", rule="n_rungs is at least 1 and reduction at least 2",
                found=f"n_rungs {n_rungs}, reduction {reduction}", do="set both within the rule",
            )  # fmt: skip
        self.drawn = RandomSearch(arms, n_trials, seed)
        self.n_rungs, self.reduction = n_rungs, reduction
        self._told: list[dict[int, float]] = [{} for _ in range(n_rungs)]  # by rung: trial number, score
        self._climbed: list[set[int]] = [set() for _ in range(n_rungs)]  # by rung: trials already asked above it

    def ask(self) -> Trial | None:
        """Return the next trial: the highest that may climb, else a new one; None when nothing is left to ask.

        While trials are out (asked, not told), None means none yet: ask again after the next `tell`.
        """
        for rung in reversed(range(self.n_rungs - 1)):
            best = self._climber(rung)
            if best is not None:
                self._climbed[rung].add(best)
                return replace(self.drawn.draw(best), rung=rung + 1)
        return self.drawn.ask()

    def tell(self, trial: Trial, score: float) -> None:
        """Take the score of a trial on its rung (greater is better); NaN marks a trial that failed and never climbs."""
        self._told[trial.rung][trial.number] = -math.inf if math.isnan(score) else score

    def share(self, rung: int) -> float:
        """Return the effort of a rung, as a share of full effort."""
        return float(self.reduction) ** (rung + 1 - self.n_rungs)

    def _climber(self, rung: int) -> int | None:
        """Return the best trial of a rung that may climb and has not: ties go to the earlier trial."""
        told = self._told[rung]
        ranked = sorted(told, key=lambda number: (-told[number], number))
        able = [number for number in ranked[: len(ranked) // self.reduction] if told[number] > -math.inf]
        return next((number for number in able if number not in self._climbed[rung]), None)
