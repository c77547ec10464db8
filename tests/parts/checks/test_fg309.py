"""FG309: equal rows with conflicting labels."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import only, problem_of, regression, table_of

from fieldguide.parts.checks.fg309_conflicting_labels import ConflictingLabels
from fieldguide.testing import check_check


def case(x, truth, problem=None):
    return {"media": table_of(x=x), "problem": problem or problem_of(), "truths": (np.array(truth),)}


def test_equal_rows_with_other_labels_are_counted():
    quiet = case([1, 1, 2, 3], [0, 0, 1, 1])
    finding = only(check_check(ConflictingLabels(), case([1, 1, 1, 2, 3], [0, 0, 1, 1, 1]), quiet))
    assert finding.sentence == (
        "3 rows (60 %) equal another in every feature and differ in 'sold': at least 1 error cannot be avoided."
    )
    assert finding.severity == "warning"


def test_among_rows_that_mostly_repeat_it_is_a_note():
    finding = only(ConflictingLabels().run(**case([1] * 50 + [2] * 50, [0, 1] * 50)))
    assert finding.evidence["unavoidable_errors"] == 50
    assert finding.severity == "info"


def test_values_conflict_when_they_spread():
    finding = only(ConflictingLabels().run(**case([1, 1, *range(2, 40)], [5.0, 9.0, *range(38)], regression())))
    assert finding.sentence == "2 rows (5 %) equal another in every feature and differ in 'sold'."


@pytest.mark.parametrize("n, severity", [(2, "info"), (4, "warning")])
def test_values_that_conflict_in_many_rows_warn(n, severity):
    x = [*np.repeat(np.arange(n // 2), 2), *range(10, 90)]
    finding = only(ConflictingLabels().run(**case(x, np.arange(len(x)) * 1.0, regression())))
    assert finding.severity == severity


def test_distinct_rows_pass():
    finding = only(ConflictingLabels().run(**case(range(4), [0, 1, 0, 1])))
    assert finding.sentence == "No two of the 4 rows are equal in every feature."


def test_rows_of_which_nothing_is_known_are_not_the_same_row():
    finding = only(ConflictingLabels().run(**case([None, None, None, 2, 3], [0, 0, 1, 1, 1])))
    assert finding.status == "passed" and finding.sentence == "No two of the 5 rows are equal in every feature."
