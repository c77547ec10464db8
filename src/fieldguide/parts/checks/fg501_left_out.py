"""FG501: baselines that were not tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Trial
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, names, passed, verb


@dataclass(frozen=True)
class BaselinesLeftOut:
    """Baselines that were not tried, or not on every fold, because the budget was spent.

    Formula: the baselines asked for less those with a complete evaluation.

    Why: the bar is only as high as the best baseline tried. Without boosting, nearly any network looks good; that is a
    warning, the rest is worth knowing.

    Remedy: raise `budget.minutes`, or name fewer baselines.

    Needs: trials, facts (left_out: [name]).
    """

    name: ClassVar[str] = "fg501_left_out"
    code: ClassVar[str] = "FG501"
    title: ClassVar[str] = "Baselines left out"
    step: ClassVar[str] = "baseline"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, trials: Sequence[Trial], facts: Mapping[str, Any]) -> list[Finding]:
        out = list(facts.get("left_out") or ())
        partial = [trial.name for trial in trials if not trial.entry.get("complete", True)]
        if not out and not partial:
            return [passed(self, f"All {count(len(trials), 'baseline')} were tried on every fold.")]
        told = [f"{count(len(out), 'baseline')} ({names(out)}) {verb(len(out), 'was', 'were')} left out"] if out else []
        told += (
            [
                (
                    f"{count(len(partial), 'baseline')} ({names(partial)}) {verb(len(partial), 'was', 'were')} not "
                    "run on every fold"
                )
            ]
            if partial
            else []
        )
        sentence = f"{' and '.join(told)}: the budget was spent."
        strong = [trial for trial in trials if trial.candidate.kind == "boosting" and trial.name not in partial]
        return [
            fire(
                self,
                sentence,
                "Raise budget.minutes, or name fewer baselines.",
                severity="info" if strong else "warning",
                evidence={"left_out": out, "partial": partial},
            )
        ]
