"""FG804: where does the model fail?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    Formula: the interval of each slice's score, widened for the number of slices looked at (Bonferroni; of several outputs,
    the slices of all), against the score of all rows; and the interval of its calibration ratio, widened likewise, against 0.9 to 1.1. Where a
    slice carries the difference to the rest of the rows (gap, positive when better), that is judged against 0
    instead.

    Why: a mean over all rows can hide a part that the model serves badly, and those may be the people it matters
    for. With many slices some look bad by chance, hence the wider intervals.

    Remedy: look at rows of the slice; collect more of them, or add columns that matter there; decide by a threshold
    of its own, or leave these cases to a person.

    Needs: problem, facts (scores, slices: [{name, n, value, interval, ratio, ratio_interval, gap: {value, interval}
    or absent}], outputs: [{output, slices}]).
    """

    name: ClassVar[str] = "fg804_weak_slices"
    code: ClassVar[str] = "FG804"
    title: ClassVar[str] = "Weak slices"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "info"

    within: float = setting(0.1, "distance of a slice's calibration ratio from 1 that does no harm")

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        views = _views(problem, facts)
        n_parts, n_slices = sum(len(view.parts) for view in views), max((len(view.parts) for view in views), default=0)
        if not n_parts:
            return [not_applicable(self, "No slice was declared, or none has enough rows.")]
        normal = NormalDist()
        widen = normal.inv_cdf(1 - 0.025 / n_parts) / normal.inv_cdf(0.975)
        weak = {key: said for view in views for key, said in view.weak(widen).items()}
        off = {key: said for view in views for key, said in view.off(widen, self.within).items()}
        several = len(problem.outputs) > 1
        said = f"{views[0].title} {number(views[0].whole)} on all rows"
        among = f"{count(n_slices, 'slice')} of {count(len(views), 'output')}" if several else count(n_slices, "slice")
        evidence: dict[str, Any] = {
            "slices": n_slices, "weak": [name for _, name in weak], "miscalibrated": [name for _, name in off], "whole": views[0].whole,
        }  # fmt: skip
        if several:
            evidence |= {
                "outputs": [view.output for view in views], "weak_outputs": [name for name, _ in weak],
                "miscalibrated_outputs": [name for name, _ in off],
            }  # fmt: skip
        if not weak and not off:
            beside = "" if several else f" ({said})"
            return [passed(self, f"None of {among} is clearly worse than the rest{beside}.", evidence=evidence)]
        told = []
        if weak:
            looked = f"{n_parts:,}" if not several else f"{n_parts:,} ({among})"
            told.append(
                f"{count(len(weak), 'slice')} of {looked} {verb(len(weak), 'is', 'are')} clearly worse"
                f"{'' if several else f' ({said})'}: {listed(weak.values(), 3)}"
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


@dataclass(frozen=True)
class _View:
    """The judged slices of one output; `output` is empty where there is no other."""

    output: str
    title: str
    sign: float
    whole: float
    parts: Sequence[Mapping[str, Any]]

    def weak(self, widen: float) -> dict[tuple[str, str], str]:
        """Return the slices that are clearly worse, in words, by output and name."""
        found = {}
        for part in self.parts:
            low, high = _widened(real(part["value"]), ends(part.get("interval")), widen)
            worse = high < self.whole if self.sign > 0 else low > self.whole
            if part.get("gap"):
                worse = _widened(real(part["gap"]["value"]), ends(part["gap"]["interval"]), widen)[1] < 0
            if worse:
                score = f"{number(real(part['value']))} {span(ends(part['interval']))}"
                beside = f"{self.title} {score} against {number(self.whole)} on all" if self.output else score
                found[self.output, str(part["name"])] = f"{self._named(part)} {beside} on {part['n']:,} rows"
        return found

    def off(self, widen: float, within: float) -> dict[tuple[str, str], str]:
        """Return the slices whose calibration ratio is clearly off, in words, by output and name."""
        found = {}
        for part in self.parts:
            if part.get("ratio") is None:
                continue
            least, most = _widened(real(part["ratio"]), ends(part.get("ratio_interval")), widen)
            if least > 1 + within or most < 1 - within:
                found[self.output, str(part["name"])] = f"{self._named(part)} {number(real(part['ratio']))}"
        return found

    def _named(self, part: Mapping[str, Any]) -> str:
        return f"{self.output!r} where {part['name']}:" if self.output else str(part["name"])


def _views(problem: Problem, facts: Mapping[str, Any]) -> list[_View]:
    """Return the outputs whose slices were judged, the first one first."""
    told = {one["output"]: one for one in facts.get("outputs") or ()}
    found = []
    for i, output in enumerate(problem.outputs):
        slices = facts.get("slices") if i == 0 else told.get(output.name, {}).get("slices")
        parts = parts_of(slices)
        if output.metric is None or not parts:
            continue
        sign = 1.0 if output.metric.greater_is_better else -1.0
        name = output.name if len(problem.outputs) > 1 else ""
        found.append(_View(name, output.metric.title, sign, real(facts["scores"][i]["value"]), parts))
    return found


def _widened(value: float, interval: tuple[float, float], factor: float) -> tuple[float, float]:
    return value - factor * (value - interval[0]), value + factor * (interval[1] - value)
