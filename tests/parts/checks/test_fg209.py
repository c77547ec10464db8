"""FG209: rows that describe the same unit."""

from __future__ import annotations

import numpy as np
from check_cases import only

from fieldguide.core.entities import Entities
from fieldguide.parts.checks.fg209_same_unit import SameUnit
from fieldguide.testing import check_check


def test_implied_units_warn() -> None:
    units = Entities(
        ("height", "born"), np.arange(40) // 2, 20, "20 combinations of their values stand in 2.0 rows each"
    )
    finding = only(check_check(SameUnit(), {"entities": units}, {"entities": None}))
    assert finding.sentence == (
        "Rows with equal 'height', 'born' describe the same unit: 20 combinations of their values stand in 2.0 rows "
        "each. They were kept in one part."
    )
    assert finding.severity == "warning" and finding.columns == ("height", "born")
    assert finding.remedy.endswith("set split.by: random.")
