"""FG804: where does the model fail?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, span, verb
from fieldguide.parts.checks._facts import ends, parts_of, real


@dataclass(frozen=True)
class WeakSlices:
    """Parts of the sealed rows on which the model is worse, or its predictions are off.

    Formula: the interval of each slice's score, widened for the number of slices looked at (Bonferroni), against
    the score of all rows; and the interval of its calibration ratio, widened likewise, against 0.9 to 1.1. Where a
    slice carries the difference to the rest of the rows (gap, positive when better), that is judged against 0
    instead.

    Why: a mean over all rows can hide a part that the model serves badly, and those may be the people it matters
    for. With many slices some look bad by chance, hence the wider intervals.

    Remedy: look at rows of the slice; collect more of them, or add columns that matter there; decide by a threshold
    of its own, or leave these cases to a person.

    Needs: problem, facts (scores, slices: [{name, n, value, interval, ratio, ratio_interval, gap: {value, interval}
    or absent}]).
    """

    name: ClassVar[str] = "fg804_weak_slices"
    code: ClassVar[str] = "FG804"
    title: ClassVar[str] = "Weak slices"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "info"

    within: float = setting(0.1, "distance of a slice's calibration ratio from 1 that does no harm")

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        parts, metric = parts_of(facts.get("slices")), problem.output.metric
        if not parts or metric is None:
            return [not_applicable(self, "No slice was declared, or none has enough rows.")]
        whole, sign = real(facts["scores"][0]["value"]), 1.0 if metric.greater_is_better else -1.0
        normal = NormalDist()
        widen = normal.inv_cdf(1 - 0.025 / len(parts)) / normal.inv_cdf(0.975)
        weak, off = {}, {}
        for part in parts:
            low, high = _widened(real(part["value"]), ends(part.get("interval")), widen)
            worse = high < whole if sign > 0 else low > whole
            if part.get("gap"):
                worse = _widened(real(part["gap"]["value"]), ends(part["gap"]["interval"]), widen)[1] < 0
            if worse:
                weak[part["name"]] = (
                    f"{part['name']} {number(real(part['value']))} {span(ends(part['interval']))} on {part['n']:,} rows"
                )
            if part.get("ratio") is not None:
                least, most = _widened(real(part["ratio"]), ends(part.get("ratio_interval")), widen)
                if least > 1 + self.within or most < 1 - self.within:
                    off[part["name"]] = f"{part['name']} {number(real(part['ratio']))}"
        said = f"{metric.title} {number(whole)} on all rows"
        evidence = {"slices": len(parts), "weak": list(weak), "miscalibrated": list(off), "whole": whole}
        if not weak and not off:
            return [
                passed(
                    self,
                    f"None of {count(len(parts), 'slice')} is clearly worse than the rest ({said}).",
                    evidence=evidence,
                )
            ]
        told = []
        if weak:
            told.append(
                f"{count(len(weak), 'slice')} of {len(parts)} {verb(len(weak), 'is', 'are')} clearly worse "
                f"({said}): {listed(weak.values(), 3)}"
            )
        if off:
            told.append(f"the calibration ratio is off in {count(len(off), 'slice')}: {listed(off.values(), 3)}")
        sentence = "; ".join(told) + "."
        return [
            fire(
                self,
                sentence[0].upper() + sentence[1:],
                "Look at rows of these slices, and decide whether the model may answer there.",
                evidence=evidence,
            )
        ]


def _widened(value: float, interval: tuple[float, float], factor: float) -> tuple[float, float]:
    return value - factor * (value - interval[0]), value + factor * (interval[1] - value)
