"""FG812: from which step on the forecast is no better than the last value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, skipped


@dataclass(frozen=True)
class UsefulHorizon:
    """Steps of the horizon from which on the forecast does not beat repeating the last value.

    Formula: step by step, the gain in mean absolute error over repeating the last value on the sealed examples, with its interval over whole horizons. It fires where from some
    step on no interval lies above 0; a warning where that is so from the first step, a note else.

    Why: an average over the horizon hides that its far end is worth nothing, or that only the far end is.

    Remedy: ask for the steps that are worth something, or ship `naive`.

    Source: standard (skill against persistence, as in meteorology).

    Needs: facts.
    """

    name: ClassVar[str] = "fg812_useful_horizon"
    code: ClassVar[str] = "FG812"
    title: ClassVar[str] = "How far ahead the forecast is worth something"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        forecasts = facts.get("forecasts")
        if forecasts is None:
            return [not_applicable(self, "The task is no forecast.")]

        steps = forecasts["by_step"]
        judged = [step for step in steps if step["gain_interval"][0] is not None]
        if not judged:
            return [skipped(self, "The sealed stretch holds too few independent targets to judge steps apart.")]
        better = [step for step in judged if step["gain_interval"][0] > 0]
        gain = forecasts["against_repeat"]
        if not better:
            sentence = f"At none of {steps[-1]['to']:,} steps is the forecast better than repeating the last value (error {number(gain['error'])} against {number(gain['repeat'])})."
            return [
                fire(self, sentence, "Ship naive: on these rows nothing beats repeating the last value.", evidence=gain)
            ]
        last = better[-1]
        if last is judged[-1]:
            return [
                passed(
                    self,
                    f"The forecast is better than repeating the last value up to step {last['to']:,}.",
                    evidence=gain,
                )
            ]
        sentence = f"From step {last['to'] + 1:,} of {steps[-1]['to']:,} on the forecast is not clearly better than repeating the last value."
        return [
            fire(
                self,
                sentence,
                f"Ask for {last['to']:,} steps, or say how little the rest is worth.",
                severity="info",
                evidence=gain,
            )
        ]
