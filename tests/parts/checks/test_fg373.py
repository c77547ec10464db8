"""FG373: rules that contradict earlier ones."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg373_hidden_rule import HiddenRule
from fieldguide.testing import check_check


def case(holds=100, **taken):
    rules = [
        {"name": "first", "decide": "call", "true": {"holds": 300}, "taken": {}},
        {"name": "later", "decide": "wait", "true": {"holds": holds}, "taken": taken},
    ]
    return {"facts": {"rules": rules}}


def test_a_rule_whose_rows_others_decide_otherwise_is_told():
    finding = only(check_check(HiddenRule(), case(first=96), case(first=94)))
    assert finding.sentence == (
        "The rule 'later' decides 'wait' and holds for 100 rows; earlier rules decide otherwise for 96 % of them, most of all 'first'."
    )
    assert finding.remedy == "Put 'later' before 'first', narrow that rule, or leave 'later' out."


def test_several_rules_hide_one_together():
    finding = only(check_check(HiddenRule(), case(first=50, other=46), case(first=50)))
    assert finding.evidence["taken"] == {"first": 50, "other": 46}


def test_predicted_signals_count_where_there_are_any():
    both = case(first=30)
    both["facts"]["rules"][1]["predicted"] = {"holds": 30}
    assert only(HiddenRule().run(**both)).fired
    assert only(HiddenRule().run(**case(first=30))).status == "passed"


def test_rules_of_a_few_rows_are_left_alone():
    few = case(holds=19, first=19)
    few["facts"]["rules"][0]["true"]["holds"] = 10
    assert only(HiddenRule().run(**few)).status == "not_applicable"
