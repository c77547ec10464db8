"""FG935: is the online score the one that was promised?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span

REMEDIES = {
    "late labels": "Wait: recent rows are scored before their outcomes can have come.",
    "skew": "Mend the path that makes the features: replay what was served.",
    "feedback": "Keep an exploration share, and train on rows weighted by 1 / propensity.",
    "drift": "Retrain on the rows that are asked now (`fieldguide refresh`).",
    "rest": "Retrain (`fieldguide refresh`), and ask what changed in how outcomes come about.",
}


@dataclass(frozen=True)
class OnlineWorse:
    """The score the model meets online is worse than the one it was shipped with, beyond what noise explains.

    Formula: the interval of online less promised score (bootstrap over units, the promise's own included) lies on the worse side of 0.

    Why: what was promised is what was decided on. The parts of the gap say whether engineering, the world, patience or the model's own
    decisions made it.

    Remedy: begin with the largest part: skew is mended in code, drift by retraining, late labels by waiting, feedback by exploring.

    Needs: gap (gap: {value, interval}, promised, online, parts, greater_is_better, metric_title).
    """

    name: ClassVar[str] = "fg935_online_worse"
    code: ClassVar[str] = "FG935"
    title: ClassVar[str] = "Online is worse than was promised"
    step: ClassVar[str] = "gap"
    severity: ClassVar[Severity] = "error"

    def run(self, *, gap: Mapping[str, Any]) -> list[Finding]:
        sign = 1.0 if gap["greater_is_better"] else -1.0
        low, high = gap["gap"]["interval"]
        said = f"{gap['metric_title']} {number(gap['online']['value'])} online, {number(gap['promised']['value'])} promised"
        if low is None or high is None:
            return [not_applicable(self, f"The gap has no interval: {said}.")]
        evidence = {"gap": gap["gap"], "online": gap["online"], "promised": gap["promised"]}
        worst = max(sign * low, sign * high)
        if worst >= 0:
            return [passed(self, f"Online is not shown to be worse: {said}, difference {span((low, high))}.", evidence)]
        parts = [part for part in gap["parts"] if part["value"] is not None]
        largest = min(parts, key=lambda part: sign * part["value"])
        sentence = f"Online is worse than was promised: {said}, difference {span((low, high))}; the largest part is {largest['name']} ({number(largest['value'])})."
        return [fire(self, sentence, REMEDIES[largest["name"]], evidence=evidence)]
