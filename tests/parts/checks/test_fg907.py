"""FG907: requests that broke the model's contract and were not answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from check_cases import only

from fieldguide.core.online.log import REFUSALS
from fieldguide.parts.checks.fg907_contract_breaks import ContractBreaks
from fieldguide.testing import check_check


def case(n: int, column: str | None = "age") -> dict[str, Any]:
    start = datetime(2024, 5, 1)
    refused = [
        (f"r{i}", start + timedelta(minutes=i), "now", "m", 0, column, "a number, or null", "'old'") for i in range(n)
    ]  # fmt: skip
    return {"refused": pl.DataFrame(refused, schema=REFUSALS, orient="row"), "n_answered": 1_000}


def test_refused_rows_are_counted_with_column_and_value():
    finding = only(check_check(ContractBreaks(), case(100), case(5)))
    assert finding.columns == ("age",) and finding.severity == "warning"
    assert finding.sentence == (
        "100 rows (9.1 %) broke the contract and got no answer, from 2024-05-01 00:00 to 2024-05-01 01:39, mostly by 'age': a cell "
        "must be a number, or null, not 'old'."
    )


def test_a_share_below_the_bound_passes_and_below_the_large_one_is_info():
    assert only(ContractBreaks().run(**{**case(20), "n_answered": 10_000})).status == "passed"
    assert only(ContractBreaks().run(**case(20))).severity == "info"


def test_rows_that_broke_as_a_whole_name_no_column():
    finding = only(ContractBreaks().run(**case(100, None)))
    assert finding.columns == () and finding.fired
