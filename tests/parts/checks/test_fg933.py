"""FG933: rows are not units."""

from __future__ import annotations

from check_cases import only
from experiment_cases import judged

from fieldguide.parts.checks.fg933_rows_not_units import RowsNotUnits
from fieldguide.testing import check_check


def case(understated):
    return {"judged": judged(naive={"rows_per_unit": 12.0, "understated": understated})}


def test_rows_that_depend_on_each_other_are_told():
    finding = only(check_check(RowsNotUnits(), case(2.4), case(1.1)))
    assert finding.severity == "info"
    assert finding.sentence == (
        "With 12 rows a unit, a test over rows would understate the error 2.40 times; the figures here are over units."
    )


def test_one_row_a_unit_is_no_case():
    assert only(RowsNotUnits().run(judged=judged())).status == "not_applicable"
