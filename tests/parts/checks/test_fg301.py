"""FG301: missing cells."""

from __future__ import annotations

from check_cases import only, profile_of, table_of

from fieldguide.parts.checks.fg301_missing import Missing
from fieldguide.testing import check_check

HOLES = table_of(age=[*range(90), *[None] * 10], pay=[None] * 60 + [1.0] * 40, x=range(100))
FULL = table_of(x=range(100))


def test_columns_with_missing_cells_are_named():
    finding = only(check_check(Missing(), {"profile": profile_of(HOLES)}, {"profile": profile_of(FULL)}))
    assert finding.sentence == (
        "2 columns miss more than 5 % of the cells, 1 of them more than half: 'pay' 60 %, 'age' 10 %."
    )
    assert finding.severity == "info"


def test_a_table_that_is_mostly_empty_warns():
    empty = table_of(a=[None] * 60 + [1.0] * 40, b=[None] * 70 + [1.0] * 30)
    assert only(Missing().run(profile=profile_of(empty))).severity == "warning"


def test_few_missing_cells_pass_and_are_told():
    few = table_of(age=[*range(99), None], x=range(100))
    finding = only(Missing().run(profile=profile_of(few)))
    assert finding.sentence == "No column has more than 5 % missing cells; 1 column has some."
