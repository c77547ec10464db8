"""FG113: a row of totals."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.table import Column
from fieldguide.parts.checks.fg113_total_row import TotalRow
from fieldguide.testing import check_check


def test_a_last_row_that_sums_up_the_others():
    word = {"total": {"cell": "Summe", "by": "word", "row": 178}}
    added = {"total": {"cell": "12,5", "by": "sum", "row": 178}}
    fires = {
        "columns": [
            Column("a", "number", facts=added),
            Column("bottle", "id", facts=word),
            Column("b", "number", facts=added),
        ]
    }
    finding = only(check_check(TotalRow(), fires, {"columns": [Column("a", "number"), Column("bottle", "id")]}))
    assert finding.sentence == (
        "The last row of the table (row 178) is a total, and no row like the others: 'bottle' says 'Summe', 2 columns hold the sum of "
        "the other rows."
    )
    assert finding.remedy.startswith("Delete it in the file")
