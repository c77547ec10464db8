"""FG101: questions only a person can answer."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg101_unanswered import Unanswered
from fieldguide.testing import check_check

OPEN = [
    {"key": "problem.goal", "question": "What for?", "guess": ""},
    {"key": "problem.costs", "question": "What does an error cost?", "guess": "1"},
]


def test_open_questions_are_listed():
    finding = only(check_check(Unanswered(), {"questions": OPEN}, {"questions": []}))
    assert finding.sentence == "2 questions are unanswered: problem.goal, problem.costs."
    assert finding.severity == "info"
    assert finding.evidence["questions"] == OPEN


def test_one_question_reads_well():
    finding = only(Unanswered().run(questions=OPEN[:1]))
    assert finding.sentence == "1 question is unanswered: problem.goal."
