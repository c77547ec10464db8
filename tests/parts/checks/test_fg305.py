"""FG305: categories of many levels."""

from __future__ import annotations

from check_cases import only, profile_of, table_of

from fieldguide.parts.checks.fg305_many_levels import ManyLevels
from fieldguide.testing import check_check

FEW = table_of(kind=["a", "b"] * 500)


def test_levels_of_one_row_each_warn():
    many = table_of(code=[f"c{i}" for i in range(1_000)])
    finding = only(
        check_check(
            ManyLevels(), {"table": many, "profile": profile_of(many)}, {"table": FEW, "profile": profile_of(FEW)}
        )
    )
    assert finding.sentence == "1 category has many levels: 'code' (1,000 levels, 100 % of rows have one of their own)."
    assert finding.severity == "warning"


def test_some_levels_of_one_row_are_a_note():
    some = table_of(code=[*(f"c{i}" for i in range(100)), *["a"] * 900])
    assert only(ManyLevels().run(table=some, profile=profile_of(some))).severity == "info"


def test_numbers_have_no_levels():
    numbers = table_of(x=range(10))
    assert only(ManyLevels().run(table=numbers, profile=profile_of(numbers))).status == "not_applicable"
