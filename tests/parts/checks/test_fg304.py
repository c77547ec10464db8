"""FG304: zero as a value beside missing cells."""

from __future__ import annotations

from check_cases import only, profile_of, table_of

from fieldguide.parts.checks.fg304_meaningful_zero import MeaningfulZero
from fieldguide.testing import check_check


def test_zeros_beside_missing_cells():
    both = table_of(gain=[0.0] * 50 + [None] * 10 + [5.0] * 40)
    apart = table_of(gain=[0.0] * 50 + [5.0] * 50, age=[None] * 10 + [5.0] * 90)
    finding = only(check_check(MeaningfulZero(), {"profile": profile_of(both)}, {"profile": profile_of(apart)}))
    assert finding.sentence == (
        "In 1 column 0 is a value and other cells are missing: 'gain' (50 zeros, 10 missing); an indicator "
        "column keeps them apart."
    )
    assert finding.severity == "info"
