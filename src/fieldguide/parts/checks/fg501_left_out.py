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
    """Baselines that were not tried because the budget was spent.

    Formula: the baselines asked for less those that were tried.

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
        if not out:
            return [passed(self, f"All {count(len(trials), 'baseline')} were tried.")]
        sentence = f"{count(len(out), 'baseline')} ({names(out)}) {verb(len(out), 'was', 'were')} left out: the budget was spent."
        strong = any(trial.candidate.kind == "boosting" for trial in trials)
        remedy = "Raise budget.minutes, or name fewer baselines."
        return [fire(self, sentence, remedy, severity="info" if strong else "warning", evidence={"left_out": out})]
