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

    Formula: the questions of `frame` less those that `study.yaml` answers, and the entries of the problem statement whose
    status is open.

    Why: the data say what can be predicted, not what is worth predicting. Without the decision, the costs of errors
    and the smallest gain worth shipping, a metric is a guess and "does the network earn its place?" has no
    threshold.

    Remedy: answer them in `study.yaml`, together with those named beside each. Until then the guess noted
    beside each is used.

    Needs: questions: [{key, question, guess}]; statement: [{entry, key, value, who, status, question}].
    """

    name: ClassVar[str] = "fg101_unanswered"
    code: ClassVar[str] = "FG101"
    title: ClassVar[str] = "Questions only a person can answer"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "info"

    def run(self, *, questions: Sequence[Mapping[str, Any]], statement: Sequence[Mapping[str, Any]]) -> list[Finding]:
        listed_already = {asked(question) for question in questions}
        more = [e for e in statement if e["status"] == "open" and e["key"] not in listed_already]
        unanswered = [*questions, *({"key": e["key"], "question": e["question"], "guess": ""} for e in more)]
        if not unanswered:
            return [passed(self, "Every question of the problem statement is answered.")]
        keys = list(dict.fromkeys(asked(question) for question in unanswered))
        sentence = (
            f"{count(len(unanswered), 'question')} {verb(len(unanswered), 'is', 'are')} unanswered: {listed(keys, 8)}."
        )
        who = {e["key"]: e["who"] for e in statement}
        people = list(dict.fromkeys(who[key] for key in keys if key in who))
        remedy = f"Answer them in study.yaml with {listed((f'the {one}' for one in people), 8) or 'whoever acts on the predictions'}; "
        remedy += "until then the guess beside each is used."
        evidence = {"questions": [{**dict(q), "who": who.get(asked(q), "data engineer")} for q in unanswered]}
        return [fire(self, sentence, remedy, evidence=evidence)]
