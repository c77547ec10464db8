"""FG504: baselines whose predictions are too large or too small on the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.bench import Trial
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, span, verb
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class BaselineCalibration:
    """Baselines whose predictions, taken together, are not as large as what happened.

    Formula: sum of predictions / sum of labels on the validation rows (for more than two classes: confidence /
    accuracy), with its bootstrap interval. It fires when the whole interval lies outside 0.9 to 1.1.

    Why: a ranking can be perfect and every probability wrong. Decisions by a threshold or by expected cost, and
    totals of predicted values, need predictions that mean what they say.

    Remedy: use such a candidate for ranking only, or decide by the threshold chosen on validation rows.

    Source: the workflow guide, "calibration".

    Needs: trials (entries with calibration: [{output, ratio, interval}]), problem.
    """

    name: ClassVar[str] = "fg504_calibration"
    code: ClassVar[str] = "FG504"
    title: ClassVar[str] = "Calibration of the baselines"
    step: ClassVar[str] = "baseline"
    severity: ClassVar[Severity] = "info"

    within: float = setting(0.1, "distance of the ratio from 1 that does no harm")

    def run(self, *, trials: Sequence[Trial], problem: Problem) -> list[Finding]:
        judged = {
            trial.name: (real(facts["ratio"]), ends(facts.get("interval")))
            for trial in trials
            if trial.candidate.kind != "trivial"
            for facts in trial.entry["calibration"][:1]
            if facts["ratio"] is not None
        }
        if not judged:
            return [
                not_applicable(self, "There is no ratio to judge: nothing was tried, or the target has both signs.")
            ]
        evidence = {name: {"ratio": ratio, "interval": interval} for name, (ratio, interval) in judged.items()}
        off = {
            name: found
            for name, found in judged.items()
            if found[1][0] > 1 + self.within or found[1][1] < 1 - self.within
        }
        if not off:
            return [
                passed(
                    self,
                    f"The {count(len(judged), 'baseline')} are calibrated within {percent(self.within, 0)} on the whole.",
                    evidence={"ratios": evidence},
                )
            ]
        said = listed((f"{name} {number(ratio)} {span(interval)}" for name, (ratio, interval) in off.items()), 3)
        of_answers = problem.output.family == "multiclass"
        ratio = "mean confidence / share of right answers" if of_answers else "sum of predictions / sum of labels"
        sentence = f"{count(len(off), 'baseline')} {verb(len(off), 'is', 'are')} not calibrated; {ratio}: {said}."
        return [
            fire(
                self,
                sentence,
                "Use them for ranking only, or decide by the threshold chosen on validation rows.",
                evidence={"ratios": evidence},
            )
        ]
