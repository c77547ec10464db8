"""FG105: cells that break their column's contract."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.reading import Violation
from fieldguide.parts.checks.fg105_broken_cells import BrokenCells
from fieldguide.testing import check_check

FEW = Violation("age", "a number", (3, 8), ("old", "inf"), 2)
MANY = Violation("pay", "a number", (0,), ("high",), 400)


def test_a_broken_cell_is_named_with_row_and_value():
    finding = only(
        check_check(
            BrokenCells(), {"read_violations": (FEW,), "n_rows": 5_000}, {"read_violations": (), "n_rows": 5_000}
        )
    )
    assert finding.sentence == (
        "2 cells were read as missing; in 'age', 2 (0.04 %) are not a number (row 3: 'old', row 8: 'inf')."
    )
    assert finding.severity == "info"


def test_many_broken_cells_warn_and_come_first():
    finding = only(BrokenCells().run(read_violations=(FEW, MANY), n_rows=5_000))
    assert finding.severity == "warning"
    assert finding.columns == ("pay", "age")
    assert "402 cells were read as missing; in 'pay', 400 (8 %)" in finding.sentence
    assert finding.sentence.endswith("The others stand in 'age'.")
