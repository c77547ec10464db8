"""FG112: levels that differ in spelling alone."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.table import Column
from fieldguide.parts.checks.fg112_spellings import Spellings
from fieldguide.testing import check_check

SAME = {"spellings": [["no", "No"], ["yes", "Yes", "YES"]]}


def test_labels_of_several_spellings_are_a_warning_that_says_what_to_write():
    fires = {"columns": [Column("won", "category", "target", facts=SAME), Column("x", "number")]}
    quiet = {"columns": [Column("won", "category", "target"), Column("x", "number")]}
    finding = only(check_check(Spellings(), fires, quiet))
    assert "'won' ('no' = 'No'; 'yes' = 'Yes' = 'YES'). Each spelling of the target is a class" in finding.sentence
    assert "data: {columns: {'won': {read: {case: ignore}}}}" in finding.remedy
    assert (finding.severity, finding.columns) == ("warning", ("won",))


def test_a_feature_is_information_and_one_that_is_read_in_one_case_nothing():
    feature = Column("town", "category", facts=SAME)
    assert only(Spellings().run(columns=[feature])).severity == "info"
    settled = Column("town", "category", "feature", {"case": "ignore"}, SAME)
    assert Spellings().run(columns=[settled])[0].status == "passed"
