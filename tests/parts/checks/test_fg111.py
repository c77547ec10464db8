"""FG111: files that are named and not there."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.table import Column
from fieldguide.parts.checks.fg111_absent_files import AbsentFiles
from fieldguide.testing import check_check

LOST = Column("photo", "id", facts={"absent": {"kind": "image", "example": "C:\\pics\\1.png", "root": "/data"}})
AGE = Column("age", "number")


def test_a_column_of_lost_files_is_named_with_what_to_write():
    quiet = {"columns": (Column("photo", "image"), AGE)}
    finding = only(check_check(AbsentFiles(), {"columns": (LOST, AGE)}, quiet))
    assert finding.sentence == (
        "1 column names image files that are not there, and no model will see them: 'photo' (such as 'C:\\\\pics\\\\1.png'), "
        "looked for in /data."
    )
    assert "data: {columns: {photo: {kind: image, read: {folder: FOLDER}}}}" in finding.remedy
    assert finding.severity == "warning"


def test_names_that_were_set_aside_are_not_told_of():
    aside = Column("photo", "id", "ignore", facts=LOST.facts)
    assert only(AbsentFiles().run(columns=(aside, AGE))).status == "passed"
