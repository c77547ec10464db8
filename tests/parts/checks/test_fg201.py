"""FG201: rows shared between development and the sealed test set."""

from __future__ import annotations

import numpy as np
from check_cases import duplicates_of, only, roles_of, split_of

from fieldguide.parts.checks.fg201_shared_rows import SharedRows
from fieldguide.testing import check_check

ROLES = roles_of(10)
CLEAN = {"split": split_of(ROLES, [8, 9]), "duplicates": duplicates_of(range(10))}


def test_a_row_on_both_sides_is_an_error():
    both = split_of(ROLES, [8, 9], development=np.arange(9))
    finding = only(check_check(SharedRows(), {**CLEAN, "split": both}, CLEAN))
    assert finding.sentence == "1 row of the 2 sealed stands in development as well."
    assert finding.severity == "error"


def test_a_copy_on_both_sides_is_an_error():
    copies = duplicates_of([0, 1, 2, 3, 4, 5, 6, 7, 0, 1])
    finding = only(SharedRows().run(split=CLEAN["split"], duplicates=copies))
    assert finding.sentence == "2 rows of the 2 sealed stand in development as well."
    assert finding.evidence["copied_rows"] == 2


def test_where_equal_rows_are_natural_rows_are_told_apart_by_place():
    assert (
        only(SharedRows().run(split=CLEAN["split"], duplicates=duplicates_of(range(10), natural=True))).status
        == "passed"
    )


def test_copies_in_a_given_test_set_are_named_and_are_no_bug():
    copies = duplicates_of([0, 1, 2, 3, 4, 5, 6, 7, 0, 9])
    finding = only(SharedRows().run(split=split_of(ROLES, [8, 9], scheme="given, random"), duplicates=copies))
    assert finding.severity == "warning"
    assert finding.sentence.startswith("1 row (50 %) of the given test set repeats a development row")
