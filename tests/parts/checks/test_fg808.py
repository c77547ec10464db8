"""FG808: the sealed rows along time."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.problem import Output, Problem
from fieldguide.parts import find
from fieldguide.parts.checks.fg808_sealed_in_time import SealedInTime
from fieldguide.testing import check_check

PROBLEM = Problem(outputs=(Output("y", find("tasks", "binary")(), ("no", "yes"), metric=find("metrics", "roc_auc")()),))
HALVES = [
    {"value": 0.8, "interval": [0.75, 0.85], "n": 200, "from": "2022-11-01", "to": "2022-11-30"},
    {"value": 0.6, "interval": [0.53, 0.67], "n": 200, "from": "2022-12-01", "to": "2022-12-31"},
]
ALIKE = {"auc": 0.51, "interval": [0.48, 0.54], "columns": []}
UNLIKE = {"auc": 0.9, "interval": [0.88, 0.92], "columns": [{"column": "vibration", "share": 0.9}]}


def facts(change: float, around: float, apart: dict | None) -> dict:
    return {
        "in_time": {"halves": HALVES, "change": change, "interval": [change - around, change + around]},
        "discrimination": apart,
    }


def test_a_score_that_changes_is_a_warning():
    bad = {"problem": PROBLEM, "facts": facts(-0.2, 0.12, ALIKE)}
    good = {"problem": PROBLEM, "facts": facts(-0.1, 0.12, ALIKE)}
    finding = only(check_check(SealedInTime(), bad, good))
    assert finding.severity == "warning"
    assert finding.sentence == (
        "The score changes within the sealed rows: ROC AUC 0.8 [0.75, 0.85] until 2022-11-30 and 0.6 [0.53, 0.67] from 2022-12-01 on."
    )


def test_features_that_differ_are_a_note():
    finding = only(SealedInTime().run(problem=PROBLEM, facts=facts(0.0, 0.12, UNLIKE)))
    assert (finding.severity, finding.columns) == ("info", ("vibration",))
    assert "features of the sealed rows differ" in finding.sentence.lower()


def test_without_time_and_with_few_rows():
    assert only(SealedInTime().run(problem=PROBLEM, facts={})).status == "not_applicable"
    found = only(SealedInTime().run(problem=PROBLEM, facts={"in_time": None, "discrimination": None}))
    assert found.status == "passed" and "Too few sealed rows" in found.sentence
