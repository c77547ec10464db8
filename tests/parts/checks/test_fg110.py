"""FG110: files that cannot be read."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.reading import Violation
from fieldguide.core.table import Column
from fieldguide.parts.checks.fg105_broken_cells import BrokenCells
from fieldguide.parts.checks.fg110_unreadable_files import UnreadableFiles
from fieldguide.testing import check_check

COLUMNS = (Column("photo", "image"), Column("age", "number"))
GONE = Violation("photo", "an image", (3, 8), ("a.png (there is no such file)", "b.jpg (the image is truncated)"), 2)


def test_files_are_named_with_row_and_reason():
    quiet = {"read_violations": (), "columns": COLUMNS, "n_rows": 400}
    finding = only(check_check(UnreadableFiles(), {**quiet, "read_violations": (GONE,)}, quiet))
    assert finding.sentence == (
        "2 files of 'photo' (0.5 %) cannot be read and are taken as missing: row 3: a.png (there is no such file); "
        "row 8: b.jpg (the image is truncated)."
    )
    assert BrokenCells().run(read_violations=(GONE,), n_rows=400)[0].status == "passed"  # told once


def test_a_table_without_files_is_not_looked_at():
    assert only(UnreadableFiles().run(read_violations=(), columns=COLUMNS[1:], n_rows=4)).status == "not_applicable"
