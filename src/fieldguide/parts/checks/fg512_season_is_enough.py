"""FG512: whether the seasonal rule is as good as the best baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class SeasonIsEnough:
    """The best baseline is not clearly better than repeating the last season.

    Formula: the paired difference of the bar and `seasonal_naive` on the validation examples, with its interval over whole horizons. It fires where the interval
    reaches 0, and only where repeating the last value is beaten.

    Why: as it was a season ago is understood by everybody and needs no model.

    Remedy: ship `seasonal_naive` unless the gain is worth a model.

    Source: Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", section 5.2.

    Needs: bench, trials, bar.
    """

    name: ClassVar[str] = "fg512_season_is_enough"
    code: ClassVar[str] = "FG512"
    title: ClassVar[str] = "The seasonal rule is enough"
    step: ClassVar[str] = "baseline"
    severity: ClassVar[Severity] = "info"

    def run(self, *, bench: Bench, trials: Sequence[Trial], bar: Trial) -> list[Finding]:
        if bench.problem.output.task.name != "forecast":
            return [not_applicable(self, "The task is no forecast.")]
        found_of = {trial.candidate.learner.name: trial for trial in trials}
        rule, naive = found_of.get("seasonal_naive"), found_of.get("naive")
        if rule is None or naive is None or getattr(rule.candidate.learner, "season", 1) < 2:
            return [not_applicable(self, "No season is repeated.")]
        if real(bench.compared(rule, naive)["value"]) <= 0:
            return [passed(self, "Repeating a season does not beat repeating the last value.")]
        if bar is rule or bar.name == rule.name:
            return [
                fire(
                    self,
                    f"Repeating the last season is the best of {len(trials)} baselines.",
                    "Ship seasonal_naive unless a model's gain is worth it.",
                )
            ]
        found = bench.compared(bar, rule)
        value, (low, high) = real(found["value"]), ends(found["interval"])
        said = f"{bar.name} against repeating the last season: better by {number(value)} {span((low, high))}"
        if low > 0:
            return [passed(self, f"The seasonal rule is beaten: {said}.", evidence=found)]
        return [
            fire(
                self,
                f"The seasonal rule is not clearly beaten; {said}.",
                "Ship seasonal_naive unless the gain is worth a model.",
                evidence=found,
            )
        ]
