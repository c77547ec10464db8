"""FG804: weak slices."""

from __future__ import annotations

from check_cases import only, problem_of, regression, two_outputs

from fieldguide.parts.checks.fg804_weak_slices import WeakSlices
from fieldguide.testing import check_check


def part(name, value, half=0.02, n=200, **more):
    return {"name": name, "n": n, "value": value, "interval": [value - half, value + half], "silence": "", **more}


def case(*slices, problem=None):
    return {"problem": problem or problem_of(), "facts": {"scores": [{"value": 0.9}], "slices": list(slices)}}


SILENT = {"name": "sex: x", "n": 3, "value": None, "interval": [None, None], "silence": "only 3 rows"}


def test_a_slice_that_is_clearly_worse_is_named():
    finding = only(
        check_check(WeakSlices(), case(part("sex: f", 0.8), part("sex: m", 0.91)), case(part("sex: f", 0.89), SILENT))
    )
    assert (
        finding.sentence
        == "1 slice of 2 is clearly worse (ROC AUC 0.9 on all rows): sex: f 0.8 [0.78, 0.82] on 200 rows."
    )
    assert (finding.severity, finding.evidence["weak"]) == ("info", ["sex: f"])


def test_smaller_may_be_better():
    assert only(WeakSlices().run(**case(part("a", 1.2), part("b", 0.8), problem=regression()))).evidence["weak"] == [
        "a"
    ]


def test_the_more_slices_the_wider_the_intervals():
    edge = part("a", 0.878)  # [0.858, 0.898] alone lies below 0.9
    assert only(WeakSlices().run(**case(edge))).fired
    assert not only(WeakSlices().run(**case(edge, *(part(f"b{i}", 0.9) for i in range(9))))).fired


def test_a_gap_to_the_rest_decides_where_there_is_one():
    gap = {"value": -0.03, "interval": [-0.05, -0.01]}
    assert only(WeakSlices().run(**case(part("a", 0.9, gap=gap)))).evidence["weak"] == ["a"]


def test_a_slice_that_is_not_calibrated_is_named():
    off = part("a", 0.9, ratio=1.3, ratio_interval=[1.2, 1.4])
    assert only(WeakSlices().run(**case(off))).sentence == "The calibration ratio is off in 1 slice: a 1.3."
    small = part("a", 0.9, ratio=0.7, ratio_interval=[0.6, 0.8])
    assert only(WeakSlices().run(**case(small))).evidence["miscalibrated"] == ["a"]
    near = part("a", 0.9, ratio=1.0, ratio_interval=[0.8, 1.2])
    assert only(WeakSlices().run(**case(near))).status == "passed"


def test_without_slices_there_is_nothing_to_compare():
    assert only(WeakSlices().run(**case())).status == "not_applicable"
    assert only(WeakSlices().run(**case(SILENT, {"gap": {"best": "a"}}))).status == "not_applicable"


def beside(*slices, others=()):
    scores = [{"value": 0.9}, {"value": 2.0}]
    outputs = [{"output": "sold", "slices": []}, {"output": "days", "slices": list(others)}]
    return {"problem": two_outputs(), "facts": {"scores": scores, "slices": list(slices), "outputs": outputs}}


def test_of_several_outputs_every_one_is_looked_at():
    worse = part("sex: f", 3.0, half=0.2, ratio=0.5, ratio_interval=[0.4, 0.6])
    case_ = beside(part("sex: f", 0.9), part("sex: m", 0.9), others=(worse, part("sex: m", 1.9, half=0.2)))
    finding = only(check_check(WeakSlices(), case_, beside(part("sex: f", 0.9), others=(part("sex: f", 2.0),))))
    assert finding.sentence == (
        "1 slice of 4 (2 slices of 2 outputs) is clearly worse: 'days' where sex: f: RMSE 3 [2.8, 3.2] against 2 on all on "
        "200 rows; the calibration ratio is off in 1 slice: 'days' where sex: f: 0.5."
    )
    assert (finding.evidence["weak"], finding.evidence["weak_outputs"]) == (["sex: f"], ["days"])


def test_the_more_outputs_the_wider_the_intervals():
    edge, fine = part("a", 0.878), part("a", 2.0, half=0.2)  # [0.858, 0.898] alone lies below 0.9
    assert only(WeakSlices().run(**beside(edge))).fired
    assert not only(WeakSlices().run(**beside(edge, others=(fine,) * 9))).fired
