"""FG302: imbalance and rare classes."""

from __future__ import annotations

import numpy as np
from check_cases import only, problem_of, regression

from fieldguide.parts.checks.fg302_rare_classes import RareClasses
from fieldguide.testing import check_check


def truth(*counts):
    return (np.repeat(np.arange(len(counts)), counts),)


def test_a_class_of_few_rows_warns():
    finding = only(
        check_check(
            RareClasses(),
            {"problem": problem_of(), "truths": truth(180, 20)},
            {"problem": problem_of(), "truths": truth(120, 80)},
        )
    )
    assert finding.sentence == "1 class of 'sold' is rare among 200 rows: 'yes' 20 (10 %)."
    assert finding.severity == "warning"


def test_a_small_share_of_many_rows_is_a_note():
    finding = only(RareClasses().run(problem=problem_of(), truths=truth(9_800, 200)))
    assert finding.severity == "info"
    assert "'yes' 200 (2 %)" in finding.sentence


def test_of_many_equal_classes_none_is_rare():
    labels = tuple(f"c{i}" for i in range(40))
    finding = only(RareClasses().run(problem=problem_of("multiclass", "log_loss", labels), truths=truth(*[50] * 40)))
    assert finding.status == "passed"


def test_even_classes_of_a_small_table_are_few_and_not_rare():
    finding = only(RareClasses().run(problem=problem_of(), truths=truth(25, 26)))
    assert finding.severity == "info"
    assert finding.sentence == (
        "2 classes of 'sold' have fewer than 30 rows, too few to be judged alone, among 51 rows: 'no' 25 (49 %), 'yes' 26 (51 %)."
    )
    assert only(RareClasses().run(problem=problem_of(), truths=truth(45, 6))).severity == "warning"


def test_the_frequent_class_of_a_small_table_is_not_called_rare():
    finding = only(RareClasses().run(problem=problem_of(), truths=truth(17, 2)))
    assert finding.severity == "warning"
    assert finding.sentence == "1 class of 'sold' is rare among 19 rows: 'yes' 2 (11 %)."


def test_numbers_have_no_classes():
    assert only(RareClasses().run(problem=regression(), truths=(np.arange(9.0),))).status == "not_applicable"
