"""FG129: the definition of the target, and the rows a new one makes stale."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import only, problem_of
from contract_cases import FULL, accepted, cells, held, people

from fieldguide.parts.checks.fg129_target_contract import TargetContract
from fieldguide.testing import check_check

RULE = {"definition": "pay above 100", "expression": "pay > 100"}
WORDS = {"definition": "bought within 30 days"}


def run(target, **more):
    return only(TargetContract().run(contract=held(FULL, {"sold": target}, **more)))


def test_a_definition_that_changed_within_its_version_is_an_error():
    agreed = accepted(FULL, {"sold": RULE})
    new = {**RULE, "expression": "pay > 120"}
    n = int(((cells()["pay"] > 100) & (cells()["pay"] <= 120)).sum())
    finding = only(check_check(
        TargetContract(), {"contract": held(FULL, {"sold": new}, agreed=agreed)},
        {"contract": held(FULL, {"sold": RULE}, agreed=agreed)},
    ))  # fmt: skip
    assert finding.severity == "error" and finding.evidence["stale"]["n"] == n
    assert finding.sentence.startswith(
        f"The definition of 'sold' changed within version 1: expression ('pay > 100' before, 'pay > 120' now); {n} rows of 400"
    )


def test_a_new_version_names_its_stale_rows_and_what_can_be_kept():
    new = {"definition": "pay above 120", "expression": "pay > 120", "version": 2}
    finding = run(new, agreed=accepted(FULL, {"sold": RULE}))
    stale = np.flatnonzero((cells()["pay"] > 100) & (cells()["pay"] <= 120))
    assert finding.severity == "warning" and finding.evidence["stale"]["rows"] == stale.tolist()
    assert "has a new definition, version 2 after 1" in finding.sentence and "Kept: features" in finding.sentence
    assert finding.evidence["again"][0].startswith("split in a new study")


def test_relabelled_rows_are_not_stale():
    new = {"definition": "pay above 120", "expression": "pay > 120", "version": 2}
    table = people(sold=np.where(cells()["pay"] > 120, "yes", "no"))
    finding = run(new, agreed=accepted(FULL, {"sold": RULE}), table=table)
    assert "0 of 400 rows are stale" in finding.sentence and finding.remedy == "Accept the version."


def test_words_alone_make_the_rows_before_since_stale():
    days = (np.datetime64("2024-01-01") + np.arange(400)).astype("datetime64[us]")
    table = people(roles={"day": "time"}, day=days)
    agreed = accepted(FULL, {"sold": WORDS}, table=table)
    new = {"definition": "bought within 7 days", "version": 2, "since": "2024-02-01"}
    finding = run(new, agreed=agreed, table=table)
    assert finding.evidence["stale"]["rows"] == list(range(31))
    assert "31 rows of 400 (7.8 %) are stale, because they are earlier than 2024-02-01" in finding.sentence
    assert "split and seal" in finding.sentence  # a split by time does not depend on labels
    without = run({**new, "since": None}, agreed=agreed, table=table)
    assert without.evidence["stale"]["n"] == 400


def test_groups_whose_members_changed():
    old = {"definition": "risk", "grouping": {"A": "no", "B": "no", "C": "yes"}}
    new = {"definition": "risk", "grouping": {"A": "no", "B": "no", "C": "yes", "D": "yes"}, "version": 2}
    finding = run(new, agreed=accepted(FULL, {"sold": old}))
    assert finding.evidence["stale"]["n"] == int((cells()["sold"] == "yes").sum())
    assert "the members of 'yes' changed" in finding.sentence


def test_a_grouping_of_a_column_is_computed():
    grouped = {"definition": "risk", "grouping": {"Lima": "no", "Oslo": "yes", "Quito": "yes"}, "of": "city"}
    table = people(sold=np.where(cells()["city"] == "Lima", "no", "yes"))
    assert run(grouped, table=table).status == "passed"
    wrong = run(grouped)
    assert "labelled against version 1 of 'sold', because the grouping of 'city' gives another label" in wrong.sentence


@pytest.mark.parametrize("known", [True, False])
def test_contradictions_that_were_accepted_are_told_quietly(known):
    rule = {**RULE, "expression": "pay > 90"}
    agreed = accepted(FULL, {"sold": rule}) if known else None
    finding = run(rule, agreed=agreed)
    assert finding.severity == ("info" if known else "warning")
    assert finding.sentence.endswith("They were accepted so.") is known


def test_another_positive_label_is_another_target_and_no_row_is_stale():
    finding = run(WORDS, agreed=accepted(FULL, {"sold": WORDS}), problem=problem_of(labels=("yes", "no")))
    assert finding.severity == "error" and finding.evidence["stale"]["n"] == 0
    assert "positive ('yes' before, 'no' now)" in finding.sentence


def test_a_scale_costs_no_more_than_the_models():
    from dataclasses import replace

    from check_cases import regression

    table = people(sold=cells()["pay"])
    problem = regression()
    logged = replace(problem, outputs=(replace(problem.output, transform="log1p"),))
    agreed = accepted(FULL, {"sold": WORDS}, table=table, problem=problem)
    finding = run({**WORDS, "version": 2}, agreed=agreed, table=table, problem=logged)
    assert finding.evidence["again"] == ["baseline, train, refine: networks and linear models fit another scale"]


def test_a_contract_without_the_target():
    assert only(TargetContract().run(contract=held())).status == "not_applicable"
