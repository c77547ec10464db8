"""FG603: training that the clock ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.bench import Trial
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, verb


@dataclass(frozen=True)
class StoppedByClock:
    """Networks whose training was ended by the budget instead of by early stopping.

    Formula: folds whose training stopped by the clock / folds run, per network.

    Why: such a network was still learning, or was never shown to have finished. Its score says what the budget
    allows, not what the network can do, and is not the same on a faster machine.

    Remedy: raise `budget.minutes`, or accept the verdict as one for this budget.

    Needs: trials (entries with stopped: [how, per fold]).
    """

    name: ClassVar[str] = "fg603_stopped_by_clock"
    code: ClassVar[str] = "FG603"
    title: ClassVar[str] = "Training ended by the clock"
    step: ClassVar[str] = "train"
    severity: ClassVar[Severity] = "info"

    def run(self, *, trials: Sequence[Trial]) -> list[Finding]:
        if not trials:
            return [not_applicable(self, "No network was trained.")]
        cut = {}
        for trial in trials:
            stops = list(trial.entry.get("stopped") or ())
            if "clock" in stops:
                cut[trial.name] = {"folds_cut": stops.count("clock"), "folds": len(stops)}
        if not cut:
            return [
                passed(
                    self,
                    f"{count(len(trials), 'network')} trained until {verb(len(trials), 'it', 'they')} stopped "
                    "improving.",
                )
            ]
        said = listed(
            f"{name} in {facts['folds_cut']} of {count(facts['folds'], 'fold')}" for name, facts in cut.items()
        )
        sentence = (
            f"{count(len(cut), 'network')} {verb(len(cut), 'was', 'were')} still training when the budget "
            f"ended: {said}."
        )
        return [
            fire(
                self, sentence, "Raise budget.minutes, or read the score as one for this budget.", evidence={"cut": cut}
            )
        ]
