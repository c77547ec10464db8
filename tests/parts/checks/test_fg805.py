"""FG805: calibration on the sealed rows."""

from __future__ import annotations

from check_cases import only, problem_of

from fieldguide.parts.checks.fg805_calibration_on_test import CalibrationOnTest
from fieldguide.testing import check_check


def case(low, high, ratio=None):
    ratio = (low + high) / 2 if ratio is None else ratio
    facts = {"calibration": [{"output": "sold", "ratio": ratio, "interval": [low, high]}]}
    return {"facts": facts, "problem": problem_of()}


def test_predictions_that_are_too_large_warn():
    finding = only(check_check(CalibrationOnTest(), case(1.2, 1.4), case(0.95, 1.05)))
    assert finding.sentence == (
        "Predictions of 'sold' are 30 % too large on the sealed rows: sum of predictions / sum of labels "
        "is 1.3 [1.2, 1.4]."
    )
    assert finding.severity == "warning"


def test_predictions_that_are_too_small_warn():
    assert "25 % too small" in only(CalibrationOnTest().run(**case(0.7, 0.8))).sentence


def test_a_wide_interval_fires_nothing():
    assert only(CalibrationOnTest().run(**case(1.0, 1.5))).status == "passed"


def test_values_of_both_signs_have_no_ratio():
    facts = {"calibration": [{"output": "sold", "ratio": None, "interval": [None, None]}]}
    assert only(CalibrationOnTest().run(facts=facts, problem=problem_of())).status == "not_applicable"
    assert only(CalibrationOnTest().run(facts={"calibration": []}, problem=problem_of())).status == "not_applicable"


def test_a_ratio_of_one_with_wrong_bins_fires() -> None:
    bins = [
        {"predicted": 0.4, "observed": 0.1, "low": 0.05, "high": 0.15, "n": 50},
        {"predicted": 0.6, "observed": 0.9, "low": 0.85, "high": 0.95, "n": 50},
    ]
    calibration = [{"output": "y", "ratio": 1.0, "interval": [0.95, 1.05], "bins": bins}]
    (found,) = CalibrationOnTest().run(facts={"calibration": calibration, "scores": []}, problem=problem_of())
    assert found.fired
    assert "100 % of the sealed rows lie in bins" in found.sentence


def test_of_several_classes_the_answers_are_judged() -> None:
    several = problem_of("multiclass", "log_loss", ("a", "b", "c"))
    told = only(CalibrationOnTest().run(**{**case(1.2, 1.4), "problem": several}))
    assert told.sentence == (
        "The model is surer than right of 'sold' on the sealed rows: mean confidence / share of right answers is 1.3 [1.2, 1.4]."
    )
    assert (
        "right more often than it is sure"
        in only(CalibrationOnTest().run(**{**case(0.2, 0.4), "problem": several})).sentence
    )
    quiet = only(CalibrationOnTest().run(**{**case(0.95, 1.05), "problem": several}))
    assert quiet.sentence.startswith("The model is as sure of 'sold' as it is right: ")
