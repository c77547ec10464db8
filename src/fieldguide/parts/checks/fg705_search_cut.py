"""FG705: a search that the clock ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, verb


@dataclass(frozen=True)
class SearchCut:
    """Trials of the search that were not made because the time was up.

    Formula: trials asked for less trials made.

    Why: a search that the clock ends gives another result on a faster machine; the stop is in the journal, so a
    resumed run replays it. What was not tried may have been better.

    Remedy: raise `budget.minutes`, or lower `budget.trials` to what fits.

    Needs: facts (n_trials, unfinished, moves: [{stage, skipped}]).
    """

    name: ClassVar[str] = "fg705_search_cut"
    code: ClassVar[str] = "FG705"
    title: ClassVar[str] = "A search ended by the clock"
    step: ClassVar[str] = "refine"
    severity: ClassVar[Severity] = "info"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        unmade = int(facts.get("unfinished") or 0)
        made = sum("skipped" not in move for move in facts.get("moves") or ())
        if not made and not unmade:
            return [not_applicable(self, "No trials were asked for.")]
        if not unmade:
            return [
                passed(
                    self, f"All {count(made, 'trial')} of the search were made.", evidence={"made": made, "unmade": 0}
                )
            ]
        sentence = (
            f"{count(unmade, 'trial')} of {made + unmade} {verb(unmade, 'was', 'were')} not made: the time was up."
        )
        return [
            fire(
                self,
                sentence,
                "Raise budget.minutes, or lower budget.trials to what fits.",
                evidence={"made": made, "unmade": unmade},
            )
        ]
