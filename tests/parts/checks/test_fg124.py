"""FG124: a shifted meaning without a new version."""

from __future__ import annotations

from check_cases import only
from contract_cases import FULL, accepted, cells, held, people

from fieldguide.parts.checks.fg124_shifted_meaning import ShiftedMeaning
from fieldguide.testing import check_check


def later(**columns):
    return people(**{**cells(seed=5), **columns})


def test_another_unit_within_a_version_and_under_a_new_one():
    months = later(age=12 * cells(seed=5)["age"])
    finding = only(check_check(
        ShiftedMeaning(), {"contract": held(table=months, agreed=accepted())},
        {"contract": held({**FULL, "age": {"unit": "months", "version": 2}}, table=months, agreed=accepted())},
    ))  # fmt: skip
    assert (
        finding.sentence
        == "'age' changed its unit within version 1: every quantile is 12 times what it was, as from years to months."
    )
    assert finding.severity == "error" and finding.evidence["scale"] == 12


def test_what_is_only_likely_is_a_warning():
    finding = only(ShiftedMeaning().run(contract=held(table=later(pay=5.5 * cells(seed=5)["pay"]), agreed=accepted())))
    assert finding.severity == "warning" and finding.columns == ("pay",)


def test_a_default_that_the_contract_states_is_no_news():
    age = cells(seed=5)["age"]
    age[:60] = -1.0
    finding = only(ShiftedMeaning().run(contract=held(table=later(age=age), agreed=accepted())))
    assert finding.sentence.startswith("'age' changed its default within version 1: the value -1 stands in 15 %")
    stated = {**FULL, "age": {"unit": "years", "default": -1}}
    assert only(ShiftedMeaning().run(contract=held(stated, table=later(age=age), agreed=accepted()))).status == "passed"


def test_another_sample_is_quiet_and_nothing_accepted_is_said():
    assert only(ShiftedMeaning().run(contract=held(table=later(), agreed=accepted()))).status == "passed"
    assert only(ShiftedMeaning().run(contract=held())).status == "skipped"


def test_a_version_that_comes_back_is_compared_with_its_own():
    agreed = accepted({**FULL, "age": {"version": 2}}, table=later(age=12 * cells(seed=5)["age"]))
    both = type(agreed)(agreed.contract, (*accepted().history, *agreed.history))
    assert only(ShiftedMeaning().run(contract=held(table=later(), agreed=both))).status == "passed"
