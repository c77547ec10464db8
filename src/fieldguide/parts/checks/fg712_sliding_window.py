"""FG712: is it better to forget old rows?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class SlidingWindow:
    """Models trained on the latest rows alone are better than models trained on all rows so far.

    Formula: the mean over periods of `L(growing) - L(sliding)` of fresh models, weighted by rows, one-sided at 2.5 %.
    The error is the wider of the bootstrap's over blocks and that of the periods' own differences. The sliding window
    has as many rows as there are before the first judged period, about a third of all.

    Why: old rows teach how the world was. Where it moves, fewer and newer rows can teach more.

    Remedy: train on the latest rows only (a filter on time), or keep the old ones with smaller weights.

    Needs: problem, facts (windows: {value, interval, p}; title, n_starts, or silence).
    """

    name: ClassVar[str] = "fg712_sliding_window"
    code: ClassVar[str] = "FG712"
    title: ClassVar[str] = "Old rows do harm"
    step: ClassVar[str] = "recency"
    severity: ClassVar[Severity] = "info"

    alpha: float = setting(0.025, "one-sided level of the test")

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        if facts.get("silence"):
            return [not_applicable(self, f"Windows cannot be compared: {facts['silence']}.")]
        found = facts["windows"]
        value, interval, p = real(found["value"]), ends(found["interval"]), real(found["p"])
        if math.isnan(p):
            return [not_applicable(self, "Windows cannot be compared: fewer than 2 periods could be judged.")]
        said = f"{number(abs(value))} {span(interval)} {facts['title']} over {facts['n_starts']} periods"
        evidence = {"gain": value, "interval": list(interval), "p": p}
        if p <= self.alpha and value > problem.success:
            return [
                fire(
                    self,
                    f"Models trained on the latest rows only are better than those trained on all rows so far, by {said}.",
                    "Train on the latest rows only, or give old rows smaller weights.",
                    evidence=evidence,
                )
            ]
        return [passed(self, f"Forgetting old rows is not shown to help (difference {said}).", evidence=evidence)]
