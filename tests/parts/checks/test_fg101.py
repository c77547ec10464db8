"""FG101: questions only a person can answer."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg101_unanswered import Unanswered
from fieldguide.testing import check_check

OPEN = [
    {"key": "problem.goal", "question": "What for?", "guess": ""},
    {"key": "problem.costs", "question": "What does an error cost?", "guess": "1"},
]
STATED = [
    {
        "entry": "goal",
        "key": "problem.goal",
        "value": "",
        "who": "product owner",
        "status": "open",
        "question": "What for?",
    },
    {
        "entry": "unit",
        "key": "problem.unit",
        "value": "",
        "who": "domain expert",
        "status": "open",
        "question": "What?",
    },
    {
        "entry": "limits",
        "key": "problem.limits",
        "value": "none",
        "who": "engineer",
        "status": "guessed",
        "question": "?",
    },
]


def test_open_questions_are_listed():
    fires, quiet = {"questions": OPEN, "statement": []}, {"questions": [], "statement": STATED[2:]}
    finding = only(check_check(Unanswered(), fires, quiet))
    assert finding.sentence == "2 questions are unanswered: problem.goal, problem.costs."
    assert finding.severity == "info"
    assert [q["key"] for q in finding.evidence["questions"]] == ["problem.goal", "problem.costs"]


def test_one_question_reads_well():
    finding = only(Unanswered().run(questions=OPEN[:1], statement=[]))
    assert finding.sentence == "1 question is unanswered: problem.goal."
    assert finding.remedy.startswith("Answer them in study.yaml with whoever acts on the predictions;")


def test_open_entries_of_the_statement_are_asked_once_and_of_somebody():
    finding = only(Unanswered().run(questions=OPEN[:1], statement=STATED))
    assert finding.sentence == "2 questions are unanswered: problem.goal, problem.unit."
    assert finding.remedy.startswith("Answer them in study.yaml with the product owner, the domain expert;")
    assert [q["who"] for q in finding.evidence["questions"]] == ["product owner", "domain expert"]
