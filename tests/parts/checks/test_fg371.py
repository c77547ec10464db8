"""FG371: rules that never or always hold."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg371_idle_rule import IdleRule
from fieldguide.testing import check_check


def case(true, predicted=None, n=1000):
    rule = {"name": "hot", "when": "stars >= 4", "true": {"holds": true}}
    rule |= {} if predicted is None else {"predicted": {"holds": predicted}}
    return {"facts": {"rules": [rule], "n": n, "rows": "validation"}}


def test_a_rule_that_holds_for_no_row_is_told_with_its_bound():
    finding = only(check_check(IdleRule(), case(0), case(3)))
    assert finding.sentence == (
        "The rule 'hot' holds for none of 1,000 validation rows: for fewer than 0.30 % in all, with 95 % confidence."
    )


def test_a_rule_that_always_holds_hides_the_rest():
    finding = only(check_check(IdleRule(), case(1000, 1000), case(1000, 998)))
    assert "holds for all 1,000 validation rows" in finding.sentence


def test_a_rule_that_no_prediction_reaches_is_told():
    finding = only(check_check(IdleRule(), case(40, 0), case(9, 0)))
    assert finding.sentence.startswith("The rule 'hot' should hold for 40 of 1,000")


def test_a_rule_that_only_predictions_reach_is_not_idle():
    assert only(IdleRule().run(**case(0, 4))).status == "passed"


def test_few_rows_tell_nothing():
    assert only(IdleRule().run(**case(0, n=199))).status == "not_applicable"
