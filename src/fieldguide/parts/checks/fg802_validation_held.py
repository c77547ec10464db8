"""FG802: did the validation score hold on the sealed rows?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, skipped, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class ValidationHeld:
    """A test score that differs from the validation score by more than chance and the optimism of the search.

    Formula: |test - (validation less optimism)| > 1.31 × sqrt(v² + t²), with v and t the half-widths of the two 95
    % intervals on the facing sides: two independent scores of the same model differ so much in one case of a
    hundred.

    Why: if the test score is worse, something differs between development and sealed rows (drift, a leak that only
    development has, groups), and the deployed model may differ again. If it is better, the sealed rows are easier,
    or the refit (on more rows, with more time) learned more.

    Remedy: look at FG206 for the columns that differ, and at the slices. Report the test score, never the
    validation score.

    Needs: problem, facts (scores: [{value, interval, metric}], validation: [{value, interval}], optimism).
    """

    name: ClassVar[str] = "fg802_validation_held"
    code: ClassVar[str] = "FG802"
    title: ClassVar[str] = "Validation against test"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    stretch: float = setting(1.31, "half-widths of a 95 % interval that make a 99 % one")

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        validation = facts.get("validation")
        validation = validation[0] if isinstance(validation, Sequence) and validation else validation
        metric = problem.output.metric
        if not validation or metric is None:
            return [not_applicable(self, "There is no validation score to compare with.")]
        sign, test = (1.0 if metric.greater_is_better else -1.0), facts["scores"][0]
        optimism = real(facts.get("optimism") or 0.0)
        value, expected = real(test["value"]), real(validation["value"]) - sign * optimism
        gap = sign * (value - expected)  # positive: the test is better
        facing = 0 if gap < 0 else 1
        half_validation = abs(
            real(validation["value"]) - ends(validation["interval"])[facing if sign > 0 else 1 - facing]
        )
        sampled = ends(test.get("sampling", test["interval"]))
        half_test = abs(value - sampled[1 - facing if sign > 0 else facing])
        room = self.stretch * math.hypot(half_validation, half_test)
        title = metric.title
        said = (
            f"{title} {number(value)} {span(sampled)} on the sealed rows, {number(expected)} expected from validation"
        )
        evidence = {"test": dict(test), "validation": dict(validation), "optimism": optimism, "gap": gap, "room": room}
        if not math.isfinite(room) or not math.isfinite(gap):
            return [skipped(self, f"The two scores cannot be compared: {said}.", evidence=evidence)]
        if abs(gap) <= room:
            return [passed(self, f"The validation score held: {said}.", evidence=evidence)]
        if gap < 0:
            sentence = f"The test score is worse than validation let expect, by {number(-gap)}: {said}."
            return [
                fire(
                    self,
                    sentence,
                    "Trust the test score, and look at FG206 and the slices for what differs.",
                    evidence=evidence,
                )
            ]
        sentence = (
            f"The test score is better than validation let expect, by {number(gap)}: {said}; the sealed rows "
            "are easier, or the refit learned more."
        )
        return [
            fire(
                self,
                sentence,
                "Look at FG206 for what differs before relying on it.",
                severity="info",
                evidence=evidence,
            )
        ]
