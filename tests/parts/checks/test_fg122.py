"""FG122: values that the contract rules out."""

from __future__ import annotations

import numpy as np
from check_cases import only
from contract_cases import cells, held, people

from fieldguide.parts.checks.fg122_contract_values import ContractValues
from fieldguide.testing import check_check


def test_cells_out_of_range_and_unknown_categories():
    age = cells()["age"]
    age[[3, 8]] = 212.0, -4.0
    said = {"age": {"range": [0, 120]}, "city": {"categories": ["Lima", "Oslo"]}}
    beyond, strange = check_check(
        ContractValues(), {"contract": held(said, table=people(age=age))},
        {"contract": held({"age": {"range": [0, 120]}, "city": {"categories": ["Lima", "Oslo", "Quito"]}})},
    )  # fmt: skip
    assert beyond.sentence == "2 cells of 'age' (0.5 %) lie outside [0, 120] (row 3: 212.0, row 8: -4.0)."
    n = int((cells()["city"] == "Quito").sum())
    assert strange.sentence == f"{n} cells of 'city' ({n / 4:.0f} %) hold no category of the contract: 'Quito'."


def test_the_declared_default_and_an_open_end_are_allowed():
    age = cells()["age"]
    age[3] = -1.0
    said = {"age": {"range": [0, None], "default": -1}}
    assert only(ContractValues().run(contract=held(said, table=people(age=age)))).status == "passed"


def test_a_column_of_another_kind():
    table = people(age=[f"{value:.0f} y" for value in cells()["age"]])
    finding = only(ContractValues().run(contract=held({"age": {"kind": "number"}}, table=table)))
    assert finding.sentence == "'age' is a category in the table's 400 rows, and a number in the contract."


def test_dates_have_ranges():
    days = (np.datetime64("2020-01-01") + np.arange(400)).astype("datetime64[us]")
    said = {"age": {"range": ["2020-01-03", None]}}
    finding = only(ContractValues().run(contract=held(said, table=people(age=days))))
    assert finding.evidence["n"] == 2
