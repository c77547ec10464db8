"""FG809: weak slices on sealed rows."""

from __future__ import annotations

from check_cases import only, problem_of, two_outputs

from fieldguide.parts.checks.fg809_slices_hold import SlicesHold
from fieldguide.testing import check_check


def part(name="city = 'a'", holds=True, why="score"):
    return {"name": name, "why": why, "n": 120, "holds": holds, "value": 0.7, "interval": [0.65, 0.75], "ratio": 1.3,
            "ratio_interval": [1.2, 1.4]}  # fmt: skip


def case(*slices):
    return {"problem": problem_of(), "facts": {"weak_slices": list(slices)}}


def test_slices_that_hold_are_named():
    finding = only(check_check(SlicesHold(), case(part(), part("b", None)), case(part(holds=False), part("b", None))))
    assert finding.sentence == (
        "1 of 2 weak slices found on validation rows is weak on sealed rows too: city = 'a': ROC AUC 0.7 [0.65, 0.75] on 120 rows."
    )
    assert finding.evidence == {"holds": ["city = 'a'"], "n_found": 2, "n_unsure": 1}


def test_a_calibration_is_told_as_one():
    assert "predictions / outcomes 1.3 [1.2, 1.4]" in only(SlicesHold().run(**case(part(why="calibration")))).sentence


def test_without_slices_there_is_nothing_to_judge():
    assert only(SlicesHold().run(**case())).status == "not_applicable"


def test_of_several_outputs_each_slice_names_its_own():
    facts = {"weak_slices": [part(), {**part("b"), "output": "days", "value": 3.0, "interval": [2.0, 4.0]}]}
    finding = only(SlicesHold().run(problem=two_outputs(), facts=facts))
    assert "'sold' where city = 'a': ROC AUC 0.7" in finding.sentence
    assert "'days' where b: RMSE 3 [2, 4] on 120 rows" in finding.sentence
