"""FG815: few sealed rows."""

from __future__ import annotations

from check_cases import only, problem_of

from fieldguide.parts.checks.fg815_few_sealed import FewSealed
from fieldguide.testing import check_check


def case(n):
    test = {"metric": "roc_auc", "value": 0.9643, "interval": [0.5, 1.0], "n": n}
    before = {"value": 0.5927, "interval": [0.44, 0.737], "n": 61}
    return {"problem": problem_of(), "facts": {"scores": [test], "validation": [before]}}


def test_a_handful_of_sealed_rows_says_so_beside_what_validation_says():
    finding = only(check_check(FewSealed(), case(11), case(30)))
    assert finding.severity == "warning"
    assert finding.sentence == (
        "11 sealed rows say little: ROC AUC 0.9643 [0.5, 1]; 61 validation rows say 0.5927 [0.44, 0.737]."
    )
    assert "split: {test: 0.3}" in finding.remedy


def test_without_validation_rows_it_says_the_same_of_the_test_score_alone():
    alone = case(3)
    del alone["facts"]["validation"]
    assert only(FewSealed().run(**alone)).sentence == "3 sealed rows say little: ROC AUC 0.9643 [0.5, 1]."


def test_an_interval_as_narrow_as_that_of_validation_is_quiet_unless_the_rows_are_very_few():
    narrow = case(27)
    narrow["facts"]["scores"][0]["interval"] = [0.7, 1.0]
    assert only(FewSealed().run(**narrow)).status == "passed"
    narrow["facts"]["scores"][0]["n"] = 9
    assert only(FewSealed().run(**narrow)).fired
