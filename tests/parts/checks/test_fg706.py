"""FG706: weak slices found."""

from __future__ import annotations

from check_cases import bench_of, only, two_outputs

from fieldguide.parts.checks.fg706_found_slices import FoundSlices
from fieldguide.testing import check_check


def part(name="city = 'a'", why="score", **more):
    return {"name": name, "why": why, "n": 120, "value": 0.7, "interval": [0.65, 0.75], "ratio": 1.3,
            "ratio_interval": [1.2, 1.4], **more}  # fmt: skip


def case(*slices, **more):
    found = {"slices": list(slices), "n_searched": 300, "n_tested": 12, "n": 900, "whole": 0.9, "silence": "", **more}
    return {"bench": bench_of(), "facts": {"weak_slices": found}}


def test_slices_that_were_confirmed_are_named_with_their_figures():
    finding = only(check_check(FoundSlices(), case(part(), part("age >= 40", "calibration")), case()))
    assert finding.sentence == (
        "2 slices found on which the answer is clearly worse or off (300 slices searched, 12 tested on 900 other rows; "
        "ROC AUC 0.9 on all): city = 'a': ROC AUC 0.7 [0.65, 0.75] on 120 rows, age >= 40: predictions / outcomes "
        "1.3 [1.2, 1.4] on 120 rows."
    )
    assert finding.evidence["slices"] == ["city = 'a'", "age >= 40"]


def test_a_slice_that_is_only_hard_says_so():
    assert "(as its predictions promise)" in only(FoundSlices().run(**case(part(as_promised=True)))).sentence


def test_what_was_not_searched_says_why():
    finding = only(FoundSlices().run(**case(silence="80 judged rows of 80 units are too few to search")))
    assert (finding.status, finding.sentence) == ("not_applicable", "80 judged rows of 80 units are too few to search.")
    assert only(FoundSlices().run(bench=bench_of(), facts={})).sentence == "No slices were searched for."


def test_where_outcomes_have_both_signs_the_mean_error_is_told():
    off = part(why="calibration", ratio=None, bias={"value": -2.0, "interval": [-3.0, -1.0]})
    assert "predictions off by −2 [−3, −1] on average on 120 rows" in only(FoundSlices().run(**case(off))).sentence


def test_of_several_outputs_each_slice_names_its_own():
    parts = part(output="sold"), part("age >= 40", output="days", value=3.0, interval=[2.5, 3.5])
    found = case(*parts, wholes={"sold": 0.9, "days": 2.0})
    finding = only(FoundSlices().run(bench=bench_of(two_outputs()), facts=found["facts"]))
    assert finding.sentence == (
        "2 slices found on which the answer is clearly worse or off (300 slices of 2 outputs searched, 12 tested on 900 other "
        "rows): 'sold' where city = 'a': ROC AUC 0.7 [0.65, 0.75] against 0.9 on all on 120 rows, 'days' where age >= 40: "
        "RMSE 3 [2.5, 3.5] against 2 on all on 120 rows."
    )
    assert finding.evidence["outputs"] == ["sold", "days"]
