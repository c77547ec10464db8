"""FG810: the target recall or precision on the sealed rows."""

from __future__ import annotations

from dataclasses import replace

from check_cases import only, problem_of

from fieldguide.parts.checks.fg810_operating_point import OperatingPoint
from fieldguide.testing import check_check


def case(value, low, high, target=0.9):
    point = {"value": value, "interval": [low, high], "n": 100}
    facts = {
        "operating": {"threshold": 0.3, "recall": point, "precision": {"value": None, "interval": [None, None], "n": 0}}
    }
    return {"problem": replace(problem_of(), decide={"recall": target}), "facts": facts}


def test_a_recall_that_falls_short():
    finding = only(check_check(OperatingPoint(), case(0.7, 0.6, 0.78), case(0.86, 0.78, 0.92)))
    assert finding.sentence == (
        "The recall at the threshold 0.3 falls short: 70 % [60 %, 78 %] of 100 sealed rows, 90 % was asked for."
    )


def test_without_a_target_or_rows_it_is_silent():
    nothing = {"problem": problem_of(), "facts": {}}
    assert only(OperatingPoint().run(**nothing)).status == "not_applicable"
    none_called = {**case(0.7, 0.6, 0.78), "problem": replace(problem_of(), decide={"precision": 0.9})}
    assert only(OperatingPoint().run(**none_called)).status == "not_applicable"
