"""FG902: features that are served otherwise than the offline path makes them."""

from __future__ import annotations

from typing import Any

from check_cases import only

from fieldguide.parts.checks.fg902_served_otherwise import ServedOtherwise
from fieldguide.testing import check_check


def case(n_differ: int, n: int = 1000) -> dict[str, Any]:
    example = {"id": "r", "unit": "u7", "served": 0.5, "offline": 0.055}
    columns = (
        {"ctr": {"n": n_differ, "share": n_differ / max(1, n), "largest": 0.5, "example": example}} if n_differ else {}
    )
    return {"matched": {"n": n, "columns": columns, "n_scores": n_differ, "mean_move": 0.02, "largest_move": 0.1}}


def test_a_column_that_is_served_otherwise_is_named_with_both_values():
    finding = only(check_check(ServedOtherwise(), case(400), case(0)))
    assert finding.columns == ("ctr",) and finding.severity == "error"
    assert finding.sentence == (
        "'ctr' is served otherwise than the offline path makes it: 'ctr' in 40 % of 1,000 rows, such as 0.5 served and 0.055 "
        "offline for unit 'u7'; the answers of 400 rows would move, by 0.02 on average."
    )


def test_one_odd_cell_is_no_finding():
    assert ServedOtherwise().run(**case(2))[0].status == "passed"
    assert ServedOtherwise().run(**case(5, n=100_000))[0].status == "passed"


def test_without_common_units_nothing_is_said():
    assert ServedOtherwise().run(**case(0, n=0))[0].status == "not_applicable"
