"""FG504: calibration of the baselines."""

from __future__ import annotations

from check_cases import only, problem_of, trial_of

from fieldguide.parts.checks.fg504_calibration import BaselineCalibration
from fieldguide.testing import check_check


def trials(low, high, ratio=None, kind="simple"):
    ratio = (low + high) / 2 if ratio is None else ratio
    return [trial_of("linear", kind, calibration=[{"output": "sold", "ratio": ratio, "interval": [low, high]}])]


def case(of, *words):
    return {"trials": of, "problem": problem_of(*words)}


def test_of_several_classes_the_answers_are_judged():
    several = case(trials(1.2, 1.4), "multiclass", "log_loss", ("a", "b", "c"))
    sentence = only(BaselineCalibration().run(**several)).sentence
    assert sentence == "1 baseline is not calibrated; mean confidence / share of right answers: linear 1.3 [1.2, 1.4]."


def test_a_ratio_that_is_clearly_off():
    finding = only(check_check(BaselineCalibration(), case(trials(1.2, 1.4)), case(trials(0.8, 1.2))))
    assert (
        finding.sentence == "1 baseline is not calibrated; sum of predictions / sum of labels: linear 1.3 [1.2, 1.4]."
    )
    assert finding.severity == "info"


def test_a_point_value_alone_fires_nothing():
    assert only(BaselineCalibration().run(**case(trials(1.05, 1.6)))).status == "passed"


def test_without_a_ratio_there_is_nothing_to_judge():
    unknown = [trial_of("linear", calibration=[{"output": "sold", "ratio": None, "interval": [None, None]}])]
    for none in (unknown, trials(1.2, 1.4, kind="trivial"), []):
        assert only(BaselineCalibration().run(**case(none))).status == "not_applicable"
