"""FG402: a wide encoding."""

from __future__ import annotations

import numpy as np
from check_cases import only

from fieldguide.core.batch import Batch, Layout
from fieldguide.parts.checks.fg402_wide import Wide
from fieldguide.testing import check_check


def case(n_rows, numbers=2, levels=10):
    layout = Layout(tuple(f"x{i}" for i in range(numbers)), (("town", levels),))
    arrays = {"numbers": np.zeros((n_rows, numbers), np.float32), "codes": np.zeros((n_rows, 1), np.int32)}
    return {"layout": layout, "arrays": Batch(layout, arrays)}


def test_few_rows_per_input_are_a_note():
    finding = only(check_check(Wide(), case(60), case(1_000)))
    assert finding.sentence == "There are 12 inputs for 60 training rows (5 rows each), 10 of them levels of 'town'."
    assert (finding.severity, finding.columns) == ("info", ("town",))


def test_fewer_rows_than_inputs_warn():
    assert only(Wide().run(**case(10))).severity == "warning"
