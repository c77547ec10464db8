"""FG511: whether any forecast beats repeating the last value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.leaderboard import greater_is_better
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, skipped, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class NothingBeatsRepeat:
    """No baseline forecasts better than repeating the last known value.

    Formula: the paired difference of the best other baseline and `naive` on the validation examples, with its interval over whole horizons. It fires unless the whole
    interval lies above 0.

    Why: a random walk cannot be forecast better. Exchange rates and prices are close to one, and many published networks lose to the last value on them.

    Remedy: ship `naive`, which costs nothing, or bring what is known beforehand and moves the series.

    Source: Meese & Rogoff (1983), Empirical Exchange Rate Models of the Seventies: Do They Fit Out of Sample?

    Needs: bench, trials, bar.
    """

    name: ClassVar[str] = "fg511_repeat"
    code: ClassVar[str] = "FG511"
    title: ClassVar[str] = "Nothing beats repeating the last value"
    step: ClassVar[str] = "baseline"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, bench: Bench, trials: Sequence[Trial], bar: Trial) -> list[Finding]:
        naive = next((trial for trial in trials if trial.candidate.learner.name == "naive"), None)
        others = [trial for trial in trials if trial is not naive]
        if bench.problem.output.task.name != "forecast":
            return [not_applicable(self, "The task is no forecast.")]
        if naive is None or not others:
            return [skipped(self, "Repeating the last value was not tried beside another baseline.")]
        best = max(others, key=lambda trial: greater_is_better(bench.problem, trial.entry))
        found = bench.compared(best, naive)
        value, (low, high) = real(found["value"]), ends(found["interval"])
        said = f"{best.name} against repeating the last value: better by {number(value)} {span((low, high))} on {len(best.rows):,} validation examples"
        if low > 0:
            return [passed(self, f"Repeating is beaten: {said}.", evidence=found)]
        sentence = (
            f"Nothing {'beats' if high <= 0 or value <= 0 else 'clearly beats'} repeating the last value; {said}."
        )
        return [
            fire(
                self,
                sentence,
                "Ship naive, or bring columns that are known beforehand and move the series.",
                evidence=found,
            )
        ]
