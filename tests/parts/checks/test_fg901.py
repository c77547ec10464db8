"""FG901: logged values do not give the logged answers."""

from __future__ import annotations

from typing import Any

from check_cases import only

from fieldguide.parts.checks.fg901_replay_difference import ReplayDifference
from fieldguide.testing import check_check


def case(**more: Any) -> dict[str, Any]:
    same = {
        "n": 1000,
        "n_exact": 998,
        "n_beyond": 0,
        "largest": 1e-8,
        "tolerance": 1e-5,
        "example": "r1-0",
        "columns": {},
    }
    return {"replayed": {**same, **more}}


def test_answers_that_are_not_given_again_are_an_error_with_an_example():
    finding = only(check_check(ReplayDifference(), case(n_beyond=12, largest=0.25), case()))
    assert finding.severity == "error"
    assert finding.sentence == (
        "12 answers of 1,000 (1.2 %) differ when the logged values are answered again, by up to 0.25 (prediction r1-0)."
    )


def test_a_derived_column_that_is_made_otherwise_is_named():
    finding = only(ReplayDifference().run(**case(columns={"ratio": {"n": 5, "example": {}}})))
    assert finding.columns == ("ratio",)
    assert finding.sentence == "The derived 'ratio' are computed otherwise offline, 'ratio' in 5 rows."


def test_what_is_the_same_is_said_with_the_tolerance():
    (finding,) = ReplayDifference().run(**case())
    assert finding.status == "passed" and "998 rows of 1,000 bit for bit, all within 0.00001" in finding.sentence


def test_an_empty_log_is_not_applicable():
    assert ReplayDifference().run(**case(n=0))[0].status == "not_applicable"
