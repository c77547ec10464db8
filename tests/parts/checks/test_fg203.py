"""FG203: duplicate and near-duplicate rows."""

from __future__ import annotations

from check_cases import duplicates_of, only

from fieldguide.parts.checks.fg203_duplicates import DuplicateRows
from fieldguide.testing import check_check


def test_few_copies_are_a_note():
    finding = only(
        check_check(
            DuplicateRows(), {"duplicates": duplicates_of([*range(99), 0])}, {"duplicates": duplicates_of(range(100))}
        )
    )
    assert finding.sentence == ("1 row repeats another exactly, 1 % of 100; copies were kept in one part.")
    near = only(DuplicateRows().run(duplicates=duplicates_of(range(100), [*range(98), 0, 1])))
    assert near.sentence == "2 rows nearly repeat another, 2 % of 100; copies were kept in one part."
    both = only(DuplicateRows().run(duplicates=duplicates_of([*range(99), 0], [*range(97), 0, 1, 2])))
    assert both.sentence == (
        "1 row repeats another exactly and 2 nearly, 3 % of 100 together; copies were kept in one part."
    )
    assert finding.severity == "info"


def test_many_copies_warn():
    finding = only(DuplicateRows().run(duplicates=duplicates_of([*range(90), *range(10)], [*range(80), *range(20)])))
    assert finding.severity == "warning"
    assert (finding.evidence["exact"], finding.evidence["near"]) == (10, 10)


def test_natural_copies_are_not_applicable():
    finding = only(DuplicateRows().run(duplicates=duplicates_of(range(100), natural=True)))
    assert finding.status == "not_applicable"
    assert "equal rows are expected among 100" in finding.sentence


def test_a_continuum_warns():
    finding = only(DuplicateRows().run(duplicates=duplicates_of([*range(99), 0], continuum=True)))
    assert finding.severity == "warning"
    assert finding.sentence.endswith("only the 1 exact copy was kept together.")
    none = only(DuplicateRows().run(duplicates=duplicates_of(range(100), continuum=True)))
    assert none.sentence.endswith("like points of a curve; they were not kept together.")


def test_a_search_that_was_not_made_is_told():
    finding = only(DuplicateRows().run(duplicates=duplicates_of(range(100), searched=False)))
    assert finding.status == "passed"
    assert finding.sentence.endswith("Near-duplicates were not searched: 100 rows are too many.")
