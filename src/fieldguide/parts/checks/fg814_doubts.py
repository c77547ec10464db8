"""FG814: the score would be another one if what explore found did not last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.parts.checks._answers import fire, number, passed, span


@dataclass(frozen=True)
class Doubts:
    """Scores of the same model on the sealed rows as if a fault of the file were gone, beside the score as the file stands.

    Formula: for each fault that explore named and that rows to come may not have, the model is scored again: on the sealed
    rows where the columns of FG320 (missing with the outcome) are known; with the cells of FG325 (a source or rows in
    another unit) in one unit; on the rows without an equal of another label, where FG309 finds more such pairs than
    chance could give; with the share e of labels that FG326 finds wrong put right, where each row weighs
    (1 - e / (K - 1)) / (1 - e K / (K - 1)) with its own of K labels and what is left of 1 is spread over the others. The reported interval runs from the lowest to the highest end of all these intervals; that of sampling
    alone is told beside it. It is a warning where the doubts make the interval at least half as wide again.

    Why: an interval of sampling says how the score would vary with other rows of the same file. It does not know that cells
    will be missing for another reason, that a source will change its unit, or that labels will be right.

    Remedy: find out which of the cases rows to come will be like, mend the file accordingly, and the interval is that of sampling again.

    Source: the span of cases is what metrology calls a systematic uncertainty (JCGM 100:2008, Evaluation of measurement data);
    for labels, Natarajan et al., "Learning with Noisy Labels", NIPS 2013.

    Needs: problem, facts (doubts: [{code, says, value, interval, n}], scores).
    """

    name: ClassVar[str] = "fg814_doubts"
    code: ClassVar[str] = "FG814"
    title: ClassVar[str] = "What the score rests on"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        doubts, scores = facts.get("doubts", []), facts["scores"][0]
        if "sampling" not in scores:
            text = "As if it were gone, nothing that explore found gives a score outside the interval."
            return [passed(self, text if doubts else "Nothing that explore found lets doubt the score.")]
        told = [
            f"{number(d['value'])} {span(tuple(d['interval']))} {d['says']} ({d['n']:,} rows, {d['code']})"
            for d in doubts
        ]
        sentence = (
            f"{getattr(problem.output.metric, 'title', 'The score')} is {number(scores['value'])} {span(tuple(scores['sampling']))} as the file stands, and "
            f"{'; '.join(told)}: the interval {span(tuple(scores['interval']))} spans them."
        )
        (low, high), (a, b) = scores["interval"], scores["sampling"]
        severity: Severity = "warning" if high - low >= 1.5 * (b - a) else "info"
        remedy = "Find out which of these cases the rows to come will be like, and mend the file accordingly."
        return [fire(self, sentence, remedy, severity=severity, evidence={"doubts": [dict(d) for d in doubts]})]
