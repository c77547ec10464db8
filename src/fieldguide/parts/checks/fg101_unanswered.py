"""FG101: questions that only a person can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed, verb
from fieldguide.parts.checks._facts import asked


@dataclass(frozen=True)
class Unanswered:
    """Questions about the problem that no program can answer and that `study.yaml` leaves open.

    Formula: the questions of `frame` less those that `study.yaml` answers.

    Why: the data say what can be predicted, not what is worth predicting. Without the decision, the costs of errors
    and the smallest gain worth shipping, a metric is a guess and "does the network earn its place?" has no
    threshold.

    Remedy: answer them in `study.yaml`, together with whoever acts on the predictions. Until then the guess noted
    beside each is used.

    Needs: questions: [{key, question, guess}].
    """

    name: ClassVar[str] = "fg101_unanswered"
    code: ClassVar[str] = "FG101"
    title: ClassVar[str] = "Questions only a person can answer"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "info"

    def run(self, *, questions: Sequence[Mapping[str, Any]]) -> list[Finding]:
        if not questions:
            return [passed(self, "Every question of the problem statement is answered.")]
        keys = list(dict.fromkeys(asked(question) for question in questions))
        sentence = (
            f"{count(len(questions), 'question')} {verb(len(questions), 'is', 'are')} unanswered: {listed(keys, 8)}."
        )
        remedy = (
            "Answer them in study.yaml with whoever acts on the predictions; until then the guess beside each is used."
        )
        return [fire(self, sentence, remedy, evidence={"questions": [dict(question) for question in questions]})]
