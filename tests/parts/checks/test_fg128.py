"""FG128: two versions of a feature side by side."""

from __future__ import annotations

import numpy as np
from check_cases import only
from contract_cases import cells, held, people

from fieldguide.parts.checks.fg128_migration import Migration
from fieldguide.testing import check_check

SAID = {"age": {}, "pay": {}, "city": {}, "next": {"version_of": "age", "version": 2}}


def migrated(values, old="age"):
    said = {**SAID, "next": {"version_of": old, "version": 2}}
    return only(Migration().run(contract=held(said, table=people(next=values))))


def test_the_same_values_in_fewer_rows():
    age = cells()["age"]
    half = [value if i % 2 else None for i, value in enumerate(age)]
    finding = only(check_check(Migration(), {"contract": held(SAID, table=people(next=half))}, {"contract": held()}))
    assert finding.sentence == (
        "Of 'age', versions 1 and 2 stand side by side: they agree in 100 % of 200 rows with both; "
        "'age' covers 100 % of the rows, 'next' 50 %."
    )
    assert finding.remedy == "Wait with retiring 'age' until 'next' covers 99 % of its rows (now 50 %)."
    assert finding.severity == "info"


def test_a_line_and_when_the_old_can_go():
    finding = migrated(cells()["age"] * 12 + 3)
    assert "'next' is 12 times 'age' plus 3 in 100 % of 400 rows with both" in finding.sentence
    assert finding.remedy == "'age' can be retired: remove it, or set data.columns.age: ignore."


def test_a_recoding():
    finding = migrated([{"Lima": "L", "Oslo": "O", "Quito": "Q"}[city] for city in cells()["city"]], "city")
    assert finding.evidence["relation"] == "recoding" and finding.evidence["mapping"]["Oslo"] == "O"
    assert finding.evidence["one_to_one"] is True


def test_no_relation_is_a_warning():
    finding = migrated(np.random.default_rng(9).normal(size=400))
    assert finding.evidence["relation"] == "none" and finding.severity == "warning"
    assert finding.remedy.startswith("Do not put one for the other")
