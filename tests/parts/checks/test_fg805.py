"""FG805: calibration on the sealed rows."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg805_calibration_on_test import CalibrationOnTest
from fieldguide.testing import check_check


def case(low, high, ratio=None):
    ratio = (low + high) / 2 if ratio is None else ratio
    return {"facts": {"calibration": [{"output": "sold", "ratio": ratio, "interval": [low, high]}]}}


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
    assert only(CalibrationOnTest().run(facts=facts)).status == "not_applicable"
    assert only(CalibrationOnTest().run(facts={"calibration": []})).status == "not_applicable"


def test_a_ratio_of_one_with_wrong_bins_fires() -> None:
    bins = [
        {"predicted": 0.4, "observed": 0.1, "low": 0.05, "high": 0.15, "n": 50},
        {"predicted": 0.6, "observed": 0.9, "low": 0.85, "high": 0.95, "n": 50},
    ]
    calibration = [{"output": "y", "ratio": 1.0, "interval": [0.95, 1.05], "bins": bins}]
    (found,) = CalibrationOnTest().run(facts={"calibration": calibration, "scores": []})
    assert found.fired
    assert "100 % of the sealed rows lie in bins" in found.sentence
