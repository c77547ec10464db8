"""FG810: did the threshold reach the stated recall or precision on the sealed rows?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.parts.checks._answers import fire, not_applicable, passed, percent


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold that was chosen for a recall or precision, and does not give it on the sealed rows.

    Formula: recall = right among the positive, precision = right among those called positive, with Wilson's interval. It
    fires when the whole interval lies below the target.

    Why: the threshold was chosen on validation rows, of which it reaches the target by construction. On other rows it
    falls short by chance half of the time; by more than chance where the rows have changed, or were few.

    Remedy: choose the threshold for a somewhat higher target, or on more rows; look for drift first.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.

    Needs: problem (decide), facts (operating: {recall, precision: {value, interval, n}, threshold}).
    """

    name: ClassVar[str] = "fg810_operating_point"
    code: ClassVar[str] = "FG810"
    title: ClassVar[str] = "The target recall or precision on the sealed rows"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        found = facts.get("operating")
        if not problem.decide or not found:
            return [not_applicable(self, "No target recall or precision is stated.")]
        ((name, target),) = problem.decide.items()
        point = found[name]
        if point["value"] is None:
            return [not_applicable(self, f"No sealed row tells the {name}.")]
        low, high = point["interval"]
        evidence = {"target": target, "rate": name, **point, "threshold": found["threshold"]}
        said = f"{percent(point['value'])} [{percent(low)}, {percent(high)}] of {point['n']:,} sealed rows, {percent(target)} was asked for"
        if high < target:
            remedy = "Choose the threshold for a higher target or on more rows, and look for drift."
            return [
                fire(
                    self,
                    f"The {name} at the threshold {found['threshold']:.3g} falls short: {said}.",
                    remedy,
                    evidence=evidence,
                )
            ]
        return [passed(self, f"The {name} holds: {said}.", evidence=evidence)]
