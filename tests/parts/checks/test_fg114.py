"""FG114: too few rows."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg114_too_few_rows import TooFewRows
from fieldguide.steps.split.split import FEWEST_ROWS
from fieldguide.testing import check_check


def test_a_table_that_split_will_refuse_says_so_at_once():
    finding = only(check_check(TooFewRows(), {"n_rows": FEWEST_ROWS - 1}, {"n_rows": FEWEST_ROWS}))
    assert finding.severity == "error"
    assert finding.sentence == "19 rows are too few for a study: split will refuse to seal any."
