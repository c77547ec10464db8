"""FG805: are the model's predictions as large as what happened, on the sealed rows?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, percent, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class CalibrationOnTest:
    """Predictions that are too large or too small on the whole, on the sealed rows.

    Formula: sum of predictions / sum of labels (for more than two classes: confidence / accuracy), with its
    bootstrap interval. It fires when the whole interval lies outside 0.9 to 1.1, or when most rows lie in bins of the
    reliability table whose mean prediction is further than 0.05 from the interval of what was observed.

    Why: whoever decides by probabilities, or adds predictions up, acts on a number that is off by this factor. A
    ratio that was 1 on validation rows and is not here speaks of drift.

    Remedy: do not read the probabilities (or totals) as they stand; recalibrate on recent rows, or decide by rank.

    Source: the workflow guide, "calibration".

    Needs: facts (calibration: [{output, ratio, interval, bins: [{predicted, low, high, n}]}], scores), problem.
    """

    name: ClassVar[str] = "fg805_calibration_on_test"
    code: ClassVar[str] = "FG805"
    title: ClassVar[str] = "Calibration on the sealed rows"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    within: float = setting(0.1, "distance of the ratio from 1 that does no harm")
    apart: float = setting(0.05, "distance of a bin's mean prediction from what was observed that does no harm")

    def run(self, *, facts: Mapping[str, Any], problem: Problem) -> list[Finding]:
        findings, several = [], {output.name for output in problem.outputs if output.family == "multiclass"}
        for found in facts.get("calibration") or ():
            ratio, (low, high) = real(found["ratio"]), ends(found.get("interval"))
            if not ratio >= 0:
                findings.append(
                    not_applicable(
                        self, f"{found['output']!r} has no ratio: its values have both signs, or sum to nothing."
                    )
                )
                continue
            name, of_answers = found["output"], found["output"] in several
            ratios = "mean confidence / share of right answers" if of_answers else "sum of predictions / sum of labels"
            said = f"{ratios} is {number(ratio)} {span((low, high))}"
            evidence = {"output": found["output"], "ratio": ratio, "interval": (low, high)}
            if low > 1 + self.within or high < 1 - self.within:
                way = f"{percent(ratio - 1)} too large" if ratio > 1 else f"{percent(1 - ratio)} too small"
                sentence = f"Predictions of {name!r} are {way} on the sealed rows: {said}."
                if of_answers:
                    sure = "surer than right" if ratio > 1 else "right more often than it is sure"
                    sentence = f"The model is {sure} of {name!r} on the sealed rows: {said}."
                findings.append(
                    fire(
                        self,
                        sentence,
                        "Recalibrate on recent rows, or decide by rank.",
                        columns=[found["output"]],
                        evidence=evidence,
                    )
                )
            elif (astray := self._astray(found.get("bins") or ())) > 0.5:
                sentence = (
                    f"Predictions of {found['output']!r} are right on the whole ({said}) and wrong apart: {percent(astray)} of the "
                    "sealed rows lie in bins whose mean prediction is not what was observed."
                )
                remedy = "Recalibrate on recent rows, or decide by rank."
                findings.append(
                    fire(self, sentence, remedy, columns=[found["output"]], evidence={**evidence, "astray": astray})
                )
            else:
                well = f"Predictions of {name!r} are as large as what happened"
                well = f"The model is as sure of {name!r} as it is right" if of_answers else well
                findings.append(passed(self, f"{well}: {said}.", evidence=evidence))
        return findings or [not_applicable(self, "Nothing was predicted that can be calibrated.")]

    def _astray(self, bins: Sequence[Mapping[str, Any]]) -> float:
        """Share of rows in bins of probabilities that miss what was observed by more than `apart`."""
        probabilities = [b for b in bins if b["low"] >= 0.0 and b["high"] <= 1.0]
        rows = sum(b["n"] for b in probabilities)
        wrong = sum(
            b["n"] for b in probabilities if not b["low"] - self.apart <= b["predicted"] <= b["high"] + self.apart
        )
        return wrong / rows if rows else 0.0
