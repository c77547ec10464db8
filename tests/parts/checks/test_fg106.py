"""FG106: rows without a target."""

from __future__ import annotations

from check_cases import only, problem_of

from fieldguide.core.table import Column
from fieldguide.parts.checks.fg106_no_target import NoTarget
from fieldguide.testing import check_check

COLUMNS = (Column("sold", "category", "target"),)


def test_rows_without_a_target_are_counted():
    fires = {"problem": problem_of(), "columns": COLUMNS, "n_rows": 1_000, "n_without_target": 3}
    finding = only(check_check(NoTarget(), fires, {**fires, "n_without_target": 0}))
    assert finding.sentence == "3 rows of 1,003 (0.3 %) were left out: 'sold' is missing."
    assert finding.severity == "info"


def test_many_rows_without_a_target_warn():
    assert (
        only(NoTarget().run(problem=problem_of(), columns=COLUMNS, n_rows=1_000, n_without_target=200)).severity
        == "warning"
    )


def test_an_empty_set_of_labels_may_be_meant():
    sets = problem_of("multilabel", "f1_micro", ("a", "b"))
    remedy = only(NoTarget().run(problem=sets, columns=COLUMNS, n_rows=90, n_without_target=10)).remedy
    assert remedy.startswith(
        "If an empty cell means that no label holds, write problem: {outputs: [{column: sold, blank: none}]}"
    )
    assert (
        "blank"
        not in only(NoTarget().run(problem=problem_of(), columns=COLUMNS, n_rows=90, n_without_target=10)).remedy
    )


def test_flags_that_make_a_set_have_no_cell_to_be_empty():
    sets = problem_of("multilabel", "f1_micro", ("a", "b"))
    made = (
        *(Column(name, "boolean", "target") for name in "ab"),
        Column("sold", "category", "target", {"of": ["a", "b"]}),
    )
    remedy = only(NoTarget().run(problem=sets, columns=made, n_rows=90, n_without_target=10)).remedy
    assert "blank" not in remedy and remedy.startswith("Find out why")
